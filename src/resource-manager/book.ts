import { ConflictGraph } from '../core/conflict-graph.js';
import { claimsOf, type Counted } from '../core/reservation.js';
import { shortId } from '../core/short-id.js';
import { isFinal } from '../core/state.js';
import { labelOf } from '../core/task-type.js';
import { needsResources, type Grant } from '../core/task.js';
import type { Log } from '../process/log.js';
import type { Clock } from '../process/runtime.js';
import type { LineTask } from '../store/store.js';
import { Rates, type RateStanding } from './rates.js';

/** What a grant, its hint and the log need to know of a task: 100,000 of them must not take more than they have to. */
interface Entry extends Pick<
  LineTask,
  | 'id'
  | 'name'
  | 'version'
  | 'queue'
  | 'exclusive'
  | 'shared'
  | 'counted'
  | 'maxAttempts'
  | 'state'
  | 'waitingFor'
  | 'rate'
  | 'under'
> {
  grant?: Omit<Grant, 'at'>;
}

export interface Bindings {
  /** Granted tasks by the worker that they are bound to. */
  counts: Map<string, number>;
  /** Of those that have not started and are bound to a worker whose bindings do not stand. */
  elsewhere: Kind[];
  /** Of those that have not started and are bound to nobody. */
  unbound: Kind[];
}

/** What decides who may start a task. */
export type Kind = Pick<LineTask, 'queue' | 'name' | 'version'>;

/** Names of types and queues that are kept once; a deployment has few. */
const WORDS = 10_000;

/**
 * What the leading resource manager knows: the conflict graph and, for each task in it, what a grant needs. It is a copy of what the
 * database says, built anew in every term.
 */
export class Book {
  readonly rates: Rates;
  readonly #tasks = new Map<string, Entry>();
  readonly graph = new ConflictGraph(id => this.#tasks.get(id)?.grant?.fence);
  /** Counted resources of which nothing has been read yet. */
  readonly #unread = new Set<string>();
  readonly #words = new Map<string, string>();
  readonly #log: Log;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.rates = new Rates(clock);
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
    this.#noteRate(task);
    this.#tasks.set(task.id, this.#entryOf(task));
    if (task.counted) this.#count(task.counted);
    const contender = { id: task.id, seq: task.seq, claims: claimsOf(task), granted: holds };
    this.graph.submit(task.under ? { ...contender, under: task.under } : contender);
  }

  /** Out of the graph: it ended, or is not there any more. */
  drop(id: string, state: string): void {
    const task = this.#tasks.get(id);
    if (!task) return;
    const held = this.graph.find(id)?.granted ?? false;
    this.graph.remove(id);
    this.#tasks.delete(id);
    if (task.rate) this.rates.left(id, task.rate);
    if (held) this.#log.info(`Released ${names(task)}: task ${shortId(id)} (${task.name}) is ${state}.`, { taskId: id });
    else this.#log.debug(`Task ${shortId(id)} (${task.name}) left the line: it is ${state}.`, { taskId: id });
  }

  /** Counted resources whose units have to be read: those that came up since the last time or, with `all`, every one. */
  takeCounted(all: boolean): string[] {
    const names = all ? this.graph.knownCapacities() : [];
    for (const name of this.#unread) names.push(name);
    this.#unread.clear();
    return names;
  }

  /** What the units of a task were measured by, as a grant must name it. */
  withCapacities(counted: readonly Counted[]): Counted[] {
    return counted.map(({ name, units }) => ({ name, units, capacity: this.graph.capacityOf(name) }));
  }

  /** `grant` as the lease's fence and epoch make it. */
  granted(id: string, { fence, epoch, worker }: { fence: number; epoch: number; worker?: string }): void {
    const task = this.#tasks.get(id);
    if (!task) return;
    task.grant = worker === undefined ? { fence, epoch } : { fence, epoch, worker };
    task.waitingFor = 'worker';
    this.graph.grant(id); // by the fence that it has now
    if (task.rate) this.rates.granted(id, task.rate);
    this.#log.info(`Reserved ${names(task)} for task ${shortId(id)} (${task.name}).`, { taskId: id });
  }

  /** Up to so many that may be granted now: nothing stands in their way, and where they have a rate, its turn is theirs. */
  takeRunnable(limit: number): string[] {
    const taken: string[] = [];
    while (taken.length < limit) {
      const ids = this.graph.takeRunnable(limit - taken.length);
      if (ids.length === 0) break;
      for (const id of ids) {
        const rate = this.#tasks.get(id)?.rate;
        if (rate) this.rates.park(id, rate, this.graph.find(id)?.seq ?? 0);
        else taken.push(id);
      }
    }
    return [...taken, ...this.rates.take(limit - taken.length, (id, seq) => this.graph.mayGrant(id, seq))];
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

  /** How the granted tasks are bound to workers, and whether that is to stay. */
  bindings(stands: (worker: string, kind: Kind) => boolean): Bindings {
    const counts = new Map<string, number>();
    const [elsewhere, unbound] = [new Map<string, Kind>(), new Map<string, Kind>()];
    const keep = (kinds: Map<string, Kind>, { queue, name, version }: Entry): void =>
      void kinds.set(`${queue} ${labelOf({ name, version })}`, { queue, name, ...(version !== undefined && { version }) });
    for (const id of this.graph.holderIds()) {
      const task = this.#tasks.get(id);
      if (!task?.grant) continue;
      const { worker } = task.grant;
      if (worker !== undefined) counts.set(worker, (counts.get(worker) ?? 0) + 1);
      if (task.state !== 'waiting') continue;
      if (worker === undefined) keep(unbound, task);
      else if (!stands(worker, task)) keep(elsewhere, task);
    }
    return { counts, elsewhere: [...elsewhere.values()], unbound: [...unbound.values()] };
  }

  /** What is told twice in the same way changes nothing; a rate that was changed by hand counts from the next term on. */
  #noteRate(task: LineTask): void {
    const known = this.#tasks.get(task.id);
    const rate = known ? known.rate : task.rate;
    if (rate) this.rates.moved(task.id, rate, task.seq, [known && standingOf(known), standingOf(task)]);
  }

  /** A row as it came is four times as large: its words are its own, and its fields stand in no order that is known beforehand. */
  #entryOf(task: LineTask): Entry {
    const { id, name, version, queue, exclusive, shared, counted, maxAttempts, state, waitingFor, grant, rate, under } = task;
    const known = this.#tasks.get(id);
    const entry: Entry = {
      id,
      name: this.#word(name),
      queue: this.#word(queue),
      state,
      maxAttempts,
      exclusive: trimmed(exclusive),
      shared: trimmed(shared),
    };
    if (counted) entry.counted = counted;
    if (waitingFor !== undefined) entry.waitingFor = waitingFor;
    if (grant) entry.grant = grant;
    const limited = known ? known.rate : rate;
    if (limited) entry.rate = { key: this.#word(limited.key), count: limited.count, perMs: limited.perMs };
    if (version !== undefined) entry.version = version;
    if (under) entry.under = under;
    return entry;
  }

  #count(counted: readonly Counted[]): void {
    for (const { name, capacity } of counted)
      if (capacity === undefined && !this.graph.knowsCapacity(name)) this.#unread.add(name);
  }

  #word(word: string): string {
    const known = this.#words.get(word);
    if (known !== undefined) return known;
    if (this.#words.size >= WORDS) this.#words.clear();
    this.#words.set(word, word);
    return word;
  }
}

function standingOf({ grant, state, waitingFor }: Pick<Entry, 'grant' | 'state' | 'waitingFor'>): RateStanding {
  if (!grant) return 'line';
  return state === 'waiting' && waitingFor === 'worker' ? 'pending' : 'begun';
}

const NONE: string[] = [];

/** An array that was filled one by one has room for 17. */
function trimmed(names: string[]): string[] {
  return names.length === 0 ? NONE : [...names];
}

function names(task: Entry): string {
  const counted = (task.counted ?? []).map(({ name, units }) => `${name} (${units} of it)`);
  const rate = task.rate ? [`a turn under ${task.rate.key}`] : [];
  const names = [...task.exclusive.map(name => `${name} (exclusive)`), ...task.shared.map(name => `${name} (shared)`)];
  return [...names, ...counted, ...rate].join(', ');
}
