import { ConflictGraph } from '../core/conflict-graph.js';
import { claimsOf } from '../core/reservation.js';
import { isFinal } from '../core/state.js';
import { needsResources, type Grant } from '../core/task.js';
import type { Log } from '../process/log.js';
import type { LineTask } from '../store/store.js';

/** What a grant, its hint and the log need to know of a task: 100,000 of them must not take more than they have to. */
interface Entry extends Pick<
  LineTask,
  'id' | 'name' | 'queue' | 'exclusive' | 'shared' | 'maxAttempts' | 'state' | 'waitingFor'
> {
  grant?: Omit<Grant, 'at'>;
}

export interface Bindings {
  /** Granted tasks by the worker that they are bound to. */
  counts: Map<string, number>;
  /** Queues of those that have not started and are bound to a worker whose bindings do not stand. */
  elsewhere: Set<string>;
  /** Queues of those that have not started and are bound to nobody. */
  unbound: Set<string>;
}

/** Names of types and queues that are kept once; a deployment has few. */
const WORDS = 10_000;

/**
 * What the leading resource manager knows: the conflict graph and, for each task in it, what a grant needs. It is a copy of what the
 * database says, built anew in every term.
 */
export class Book {
  readonly graph = new ConflictGraph();
  readonly #tasks = new Map<string, Entry>();
  readonly #words = new Map<string, string>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  get(id: string): Entry | undefined {
    return this.#tasks.get(id);
  }

  /** Takes a record as it is now: into line, as a holder, or out. A damaged one is not granted, but what it holds it keeps. */
  apply(task: LineTask): void {
    const holds = task.grant !== undefined && !isFinal(task.state);
    const inLine = task.state === 'waiting' && task.waitingFor === 'resources' && task.grant === undefined;
    const waits = inLine && task.damaged === undefined;
    if (!holds && !waits) {
      this.drop(task.id, task.damaged === undefined ? task.state : 'damaged');
      return;
    }
    if (!needsResources(task)) return; // nobody can read what a damaged holder holds: what is known here stands
    this.#tasks.set(task.id, this.#entryOf(task));
    this.graph.submit({ id: task.id, seq: task.seq, claims: claimsOf(task), granted: holds });
  }

  /** Out of the graph: it ended, or is not there any more. */
  drop(id: string, state: string): void {
    const task = this.#tasks.get(id);
    if (!task) return;
    const held = this.graph.find(id)?.granted ?? false;
    this.graph.remove(id);
    this.#tasks.delete(id);
    if (held) this.#log.info(`Released ${names(task)}: task ${id.slice(0, 8)} (${task.name}) is ${state}.`, { taskId: id });
    else this.#log.debug(`Task ${id.slice(0, 8)} (${task.name}) left the line: it is ${state}.`, { taskId: id });
  }

  /** `grant` as the lease's fence and epoch make it. */
  granted(id: string, { fence, epoch, worker }: { fence: number; epoch: number; worker?: string }): void {
    const task = this.#tasks.get(id);
    if (!task) return;
    this.graph.grant(id);
    task.grant = worker === undefined ? { fence, epoch } : { fence, epoch, worker };
    task.waitingFor = 'worker';
    this.#log.info(`Reserved ${names(task)} for task ${id.slice(0, 8)} (${task.name}).`, { taskId: id });
  }

  /** Who holds, by fence. */
  *holding(): Generator<[fence: number, id: string]> {
    for (const id of this.graph.holderIds()) yield [this.#tasks.get(id)?.grant?.fence ?? 0, id];
  }

  /** Who waits, by number. */
  *waiting(): Generator<[seq: number, id: string]> {
    for (const id of this.graph.waitingIds()) yield [this.graph.find(id)?.seq ?? 0, id];
  }

  /** Damaged ones whose grant cannot be read: no index of fences shows them. */
  holdersWithoutFence(): string[] {
    return [...this.holding()].flatMap(([fence, id]) => (fence === 0 ? [id] : []));
  }

  /** How the granted tasks are bound to workers, when these are the workers whose bindings stand. */
  bindings(workers: readonly string[]): Bindings {
    const bindings: Bindings = { counts: new Map(), elsewhere: new Set(), unbound: new Set() };
    const { counts, elsewhere, unbound } = bindings;
    for (const id of this.graph.holderIds()) {
      const task = this.#tasks.get(id);
      if (!task?.grant) continue;
      const { worker } = task.grant;
      if (worker !== undefined) counts.set(worker, (counts.get(worker) ?? 0) + 1);
      if (task.state !== 'waiting') continue;
      if (worker === undefined) unbound.add(task.queue);
      else if (!workers.includes(worker)) elsewhere.add(task.queue);
    }
    return bindings;
  }

  /** A row as it came is four times as large: its words are its own, and its fields stand in no order that is known beforehand. */
  #entryOf({ id, name, queue, exclusive, shared, maxAttempts, state, waitingFor, grant }: LineTask): Entry {
    const entry: Entry = {
      id,
      name: this.#word(name),
      queue: this.#word(queue),
      state,
      maxAttempts,
      exclusive: trimmed(exclusive),
      shared: trimmed(shared),
    };
    if (waitingFor !== undefined) entry.waitingFor = waitingFor;
    if (grant) entry.grant = grant;
    return entry;
  }

  #word(word: string): string {
    const known = this.#words.get(word);
    if (known !== undefined) return known;
    if (this.#words.size >= WORDS) this.#words.clear();
    this.#words.set(word, word);
    return word;
  }
}

const NONE: string[] = [];

/** An array that was filled one by one has room for 17. */
function trimmed(names: string[]): string[] {
  return names.length === 0 ? NONE : [...names];
}

function names(task: Entry): string {
  return [...task.exclusive.map(name => `${name} (exclusive)`), ...task.shared.map(name => `${name} (shared)`)].join(', ');
}
