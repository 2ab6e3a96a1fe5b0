import { createClient, type StreamEvent } from '../../src/client/client.js';
import { isFinal } from '../../src/core/state.js';
import type { Task } from '../../src/core/task.js';
import type { Journal } from './journal.js';
import type { Leaks } from './leaks.js';

/** What one follower was told. Times are of the wall clock, in milliseconds. */
export interface Told {
  api: string;
  /** Ids of tasks of whose end it was told. */
  ends: Set<string>;
  /** What ended until then may be missing: it was told so. */
  excusedUntil: number;
  events: number;
  resyncs: number;
}

/** Between the write of an end and the time that stands in it, and between two clocks of one machine. */
const MARGIN_MS = 2_000;
const AGAIN_MS = 1_000;

/** Ends of which a follower was not told, although it was not told either that something may be missing. */
export function untold(tasks: readonly Pick<Task, 'id' | 'state' | 'finishedAt'>[], { ends, excusedUntil }: Told): string[] {
  return tasks
    .filter(({ state, finishedAt }) => isFinal(state) && (finishedAt?.getTime() ?? 0) > excusedUntil + MARGIN_MS)
    .flatMap(({ id }) => (ends.has(id) ? [] : [id]));
}

/** Follows all events at every API, over whatever is done to them. */
export class Followers {
  readonly told: Told[];
  readonly #journal: Journal;
  readonly #leaks: Leaks;
  readonly #leaving = new AbortController();
  readonly #running: Promise<void>[] = [];

  constructor(apis: readonly string[], journal: Journal, leaks: Leaks) {
    this.#journal = journal;
    this.#leaks = leaks;
    this.told = apis.map(api => ({ api, ends: new Set(), excusedUntil: Date.now(), events: 0, resyncs: 0 }));
  }

  start(): void {
    for (const told of this.told) this.#running.push(this.#follow(told));
  }

  async stop(): Promise<void> {
    this.#leaving.abort();
    await Promise.all(this.#running);
  }

  async #follow(told: Told): Promise<void> {
    const { signal } = this.#leaving;
    while (!signal.aborted) {
      try {
        const client = createClient({ url: told.api, fetch: fetchNoting(told) });
        for await (const event of client.events({}, { signal })) {
          this.#leaks.look('an event', JSON.stringify(event));
          note(told, event);
        }
      } catch (error) {
        this.#journal.note('a follower lost its API', { api: told.api, why: String(error) });
      }
      await new Promise(resolve => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** A client that names no last event is told of what comes after its stream has begun. */
function fetchNoting(told: Told): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (!new Headers(init?.headers).has('last-event-id')) told.excusedUntil = Date.now();
    return response;
  };
}

function note(told: Told, event: StreamEvent): void {
  told.events++;
  if (event.kind === 'resync') {
    told.resyncs++;
    told.excusedUntil = Date.now();
  } else if (isFinal(event.task.state)) told.ends.add(event.task.id);
}
