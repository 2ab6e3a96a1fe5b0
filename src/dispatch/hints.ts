import type { Broker, Destination } from '../broker/broker.js';
import { IDS_PER_HINT } from '../core/hint.js';
import type { Grant, Task } from '../core/task.js';
import type { Clock } from '../process/runtime.js';
import type { Ended } from '../store/store.js';

/** What a hint needs to know of a task. */
export interface Hinted extends Pick<Task, 'id' | 'queue' | 'state' | 'waitingFor'> {
  grant?: Pick<Grant, 'worker'>;
}

/** Where a worker looks for it. */
export function destinationOf(task: Pick<Hinted, 'queue' | 'grant'>): Destination {
  const worker = task.grant?.worker;
  return worker === undefined ? { to: 'queue', queue: task.queue } : { to: 'worker', worker };
}

/** Beyond this many ids the resource manager finds out by itself sooner than by reading them. */
const MAX_PENDING = 5_000;
const MAX_IN_FLIGHT = 4;
/** The leading resource manager prefetches so many: with as many waiting it is awake, or away. */
const PLENTY = 100;
/** So many messages between two looks at its queue: what a process adds at most to a queue that nobody empties. */
const BETWEEN_LOOKS = 20;
/** While nobody takes hints, the next look comes after this long. */
const AWAY_MS = 1_000;
/** Half of what may be unconfirmed at a time, which others need too. */
const PORTION = 500;

/**
 * Tells those concerned that a record has changed. Nothing waits for the broker and nothing depends on it: a hint that is lost
 * is mended by the pass of the resource manager, the query of an idle worker, and the sweep.
 */
export class Hints {
  readonly #broker: Pick<Broker, 'publish' | 'depth' | 'broadcast'>;
  readonly #clock: Clock;
  readonly #changed = new Set<string>();
  readonly #ended = new Set<string>();
  #inFlight = 0;
  #untilLook = BETWEEN_LOOKS;
  #looking: Promise<void> | undefined;
  #awayUntilMs = -Infinity;

  constructor(broker: Pick<Broker, 'publish' | 'depth' | 'broadcast'>, clock: Clock) {
    this.#broker = broker;
    this.#clock = clock;
  }

  /** For a task that was just accepted, granted, promoted or put back. */
  ready(task: Hinted): void {
    if (task.state !== 'waiting') return;
    if (task.waitingFor === 'worker') this.start(task);
    else if (task.waitingFor === 'resources') this.changed([task.id]);
  }

  start(task: Hinted): void {
    void this.#broker.publish({ kind: 'start', task: task.id }, destinationOf(task));
  }

  /** The same for many, no faster than the broker confirms them. Resolves with how many it took before it refused one. */
  async startAll(tasks: readonly Hinted[]): Promise<number> {
    for (let from = 0; from < tasks.length; from += PORTION) {
      const portion = tasks.slice(from, from + PORTION);
      const results = await Promise.all(
        portion.map(task => this.#broker.publish({ kind: 'start', task: task.id }, destinationOf(task))),
      );
      const taken = results.filter(result => result === 'confirmed').length;
      if (taken < portion.length) return from + taken;
    }
    return tasks.length;
  }

  /**
   * To the resource manager: read these again. Ids that gather while messages are away share the next one. While nobody takes them
   * they are dropped: whoever leads next begins by reading everything.
   */
  changed(ids: Iterable<string>): void {
    if (this.#clock.monotonicMs() < this.#awayUntilMs) return;
    for (const id of ids) if (this.#changed.size < MAX_PENDING) this.#changed.add(id);
    this.#pump();
  }

  /** To whoever awaits this child of another task: it has ended. What is said in one moment shares a message. */
  ended({ id, parent }: Ended): void {
    if (parent === undefined || this.#ended.size >= MAX_PENDING) return;
    if (this.#ended.size === 0) queueMicrotask(() => this.#sendEnded());
    this.#ended.add(id);
  }

  #sendEnded(): void {
    const ids = [...this.#ended];
    this.#ended.clear();
    for (let from = 0; from < ids.length; from += IDS_PER_HINT)
      this.#broker.broadcast({ kind: 'ended', tasks: ids.slice(from, from + IDS_PER_HINT) });
  }

  #pump(): void {
    while (this.#changed.size > 0 && this.#inFlight < MAX_IN_FLIGHT && !this.#looking) {
      if (this.#untilLook > 0) void this.#sendChanged();
      else this.#looking = this.#look();
    }
  }

  async #sendChanged(): Promise<void> {
    const tasks = [...this.#changed].slice(0, IDS_PER_HINT);
    for (const id of tasks) this.#changed.delete(id);
    this.#inFlight++;
    this.#untilLook--;
    await this.#broker.publish({ kind: 'changed', tasks }, { to: 'resource-manager' });
    this.#inFlight--;
    this.#pump();
  }

  async #look(): Promise<void> {
    const depth = await this.#broker.depth({ to: 'resource-manager' });
    // Without an answer there is no connection either, and nothing gets through that could pile up.
    if (depth && (depth.consumers === 0 || depth.messages >= PLENTY)) {
      this.#awayUntilMs = this.#clock.monotonicMs() + AWAY_MS;
      this.#changed.clear();
    } else {
      this.#untilLook = BETWEEN_LOOKS;
    }
    this.#looking = undefined;
    this.#pump();
  }
}
