import type { Ending } from '../core/outcome.js';
import type { State } from '../core/state.js';
import type { TypeVersion } from '../core/task-type.js';
import type { EndReason, NewTask, ProgressReport, Run, Superseded, Task } from '../core/task.js';
import type { EndedPlace } from './retention.js';
import type { Backlog } from './backlog.js';

export type InsertVerdict =
  | { kind: 'stored'; task: Task }
  /** The number had been closed meanwhile (or the insert clashed on it): insert again with a new one. */
  | { kind: 'seq-taken' }
  /** A task with this principal and idempotency key, or with this schedule slot, is stored already. */
  | { kind: 'duplicate'; task: Task }
  /** This task has the unique key now. */
  | { kind: 'occupied'; task: Task };

/** What a waiting line needs to know of a task: small, so that 100,000 of them fit in memory. */
export type LineTask = Pick<
  Task,
  | 'id'
  | 'seq'
  | 'name'
  | 'queue'
  | 'priority'
  | 'exclusive'
  | 'shared'
  | 'counted'
  | 'state'
  | 'waitingFor'
  | 'grant'
  | 'run'
  | 'maxAttempts'
  | 'rate'
  | 'createdAt'
  | 'startedAt'
  | 'version'
  | 'awaiting'
  | 'under'
  | 'damaged'
>;

export interface ClaimQuery {
  /** Tasks of these queues that are bound to no worker … */
  queues: string[];
  /** … and, where it is given, tasks bound to this one. */
  worker?: string;
  /** Only tasks of these types, in their versions or older ones. */
  only?: readonly TypeVersion[] | undefined;
  limit: number;
}

/** One start that is asked for. `fence` is that of the grant that was read, 0 without resources. */
export interface Start {
  id: string;
  attempt: number;
  fence: number;
}

export type CancelVerdict =
  /** It had not started: over at once. */
  | { kind: 'canceled'; task: Task }
  /** Its worker will stop it. Also the answer to a repeated cancel. */
  | { kind: 'canceling'; task: Task }
  | { kind: 'final'; task: Task }
  | { kind: 'missing' };

/** One whose end its parent may wait for. */
export type Ended = Pick<Task, 'id' | 'parent'>;

/** One that waits for a time. */
export interface Delayed {
  id: string;
  waitingFor: 'delay' | 'retry';
  /** It keeps its resources meanwhile, and its place. */
  holds: boolean;
}

export interface TaskFilter {
  state?: State[];
  name?: string[];
  queue?: string[];
  /** Runs there, or ran there once. */
  worker?: string[];
  /** Reserved by the task, in any mode. */
  resource?: string[];
  tag?: string[];
  group?: string[];
  parent?: string[];
  correlationId?: string[];
  schedule?: string[];
  /** From `…After`, itself included, up to but without `…Before`. */
  createdAfter?: Date;
  createdBefore?: Date;
  finishedAfter?: Date;
  finishedBefore?: Date;
}

/**
 * A page in order of id (creation), or the reverse. `after` and `before` are ids that the page follows or precedes in that order; with
 * `before` it is the page that ends there.
 */
export interface TaskPage {
  items: Task[];
  /** Whether more lie beyond the page, in the direction of reading: behind it, or in front of it with `before`. */
  more: boolean;
}

export interface TaskStore {
  // --- accept -------------------------------------------------------------------------------------------------
  /** Takes `count` consecutive acceptance numbers and gives the first. Never in advance: the insert follows at once. */
  takeNumbers(count: number): Promise<number>;
  /**
   * Inserts many at once, each for itself; verdicts in the same order. Task `i` takes number `firstSeq + i`, `createdAt` is
   * server time (also `readyAt` where the task waits for neither delay nor dependencies). An unclear answer is read back by id
   * inside; what stays unclear throws StoreError `unknown`.
   */
  insert(tasks: readonly NewTask[], firstSeq: number): Promise<InsertVerdict[]>;
  /** All or none, in one transaction. `seq-taken`: none is stored. `duplicate` and `occupied` likewise, with the clash. Throws StoreError. */
  insertAll(
    tasks: readonly NewTask[],
    firstSeq: number,
  ): Promise<{ kind: 'stored'; tasks: Task[] } | Exclude<InsertVerdict, { kind: 'stored' }>>;
  /** The task of this principal and key, if any. */
  byIdempotencyKey(principal: string, key: string): Promise<Task | undefined>;

  // --- start and end ------------------------------------------------------------------------------------------
  /**
   * Tasks that could start now (`waiting` for `worker`, not past `expiresAt`): the best by rank, then number, up to `limit`.
   * Bound tasks come only to their worker.
   */
  claimable(query: ClaimQuery): Promise<Task[]>;
  /**
   * Moves each to `running` where it is still `waiting` for `worker` with that attempt and fence, unbound or bound to this worker,
   * and not past `expiresAt`; attempt + 1, `run` as given with server time, `startedAt`. Resolves with exactly the ids that are this run's
   * (unclear or short answers are read back by token). Throws StoreError `unknown` when even that failed: then none may be begun.
   */
  start(starts: readonly Start[], run: Omit<Run, 'at'>): Promise<Set<string>>;
  /**
   * `claimable` and `start` in one step, for one slot: the best task of these queues that is bound to nobody, as it is now that it runs. Undefined:
   * there is none. Throws StoreError; with `unknown` some task may have been started, which nobody may begin. `only` as in `claimable`.
   */
  startBest(queues: readonly string[], run: Omit<Run, 'at'>, only?: readonly TypeVersion[]): Promise<Task | undefined>;
  /**
   * Ends starts by (id, token, state running or canceling): moves `run` into `attempts[]`, sets state, `finishedAt`, result or error,
   * `reason`, closes progress reports left open with the task's end; a final state frees the resources in the same write.
   * `requeued` goes back to `waiting` for `worker` with its grant; `retried` waits for `retry` until its delay is over, without its grant unless it
   * holds. One that `lends` its grant gives it back in either case, and waits for `retry`, `requeued` without a delay. If the task is `canceling` it becomes canceled with the reason of its cancel instead; so do `canceled`, and `failed` by `worker-lost`, which
   * is no end of the body's own. A final task has no grant any more: it stands in `attempts[]`. Resolves with the ids for which the record shows this very end (also when an earlier
   * try had landed). Throws StoreError `unknown`: call again with the same endings. Throws UnstorableEndings when the store can never hold some of
   * them (together with what the record has already): all others have ended. An end without a result is always held, if need be without
   * progress and created resources.
   */
  finish(endings: readonly Ending[]): Promise<Set<string>>;
  /**
   * Notes in `attempts[]`, by token, what the body of a start came to that somebody else has ended; never changes anything else. `kept`: it
   * stands there, also by an earlier try. `open`: that start has not been ended (yet). `void`: there is no such start, or this is its end.
   */
  supersede(id: string, token: string, late: Omit<Superseded, 'at'>): Promise<'kept' | 'open' | 'void'>;
  /**
   * A start that nobody runs: `running → waiting` for `worker`, attempt - 1, grant and `readyAt` kept, no trace in `attempts[]`;
   * `canceling → canceled`, with an attempt whose reason is `given-back`. By token.
   */
  giveBack(id: string, token: string): Promise<boolean>;
  /** Running and canceling tasks that name this incarnation: what the database thinks this process runs. */
  namedBy(incarnation: string): Promise<Task[]>;
  /** Every running or canceling task, oldest first, at most `limit`, after this id. */
  active(limit: number, afterId?: string): Promise<Task[]>;
  /**
   * Those of the next `limit` running or canceling tasks after this id whose incarnation is not live (by state; leases are for the sweep), and
   * where to go on: `next` is undefined after the last page. The tasks are read first and the incarnations second, from a view that is not
   * older: whoever could start one of them is in it.
   */
  activeOfTheDead(limit: number, afterId?: string): Promise<{ tasks: Task[]; next?: string }>;
  /** Latest progress and created resources of a running task, by token; coalesced by the caller. False: no longer its run. */
  report(id: string, token: string, report: { progress: ProgressReport[]; createdResources: string[] }): Promise<boolean>;

  // --- cancel, delay, expiry -----------------------------------------------------------------------------------
  cancel(id: string, by: string, reason: EndReason): Promise<CancelVerdict>;
  /**
   * Cancels, with reason `worker-lost`, what waits for this worker alone and may not run again after a loss, if the worker's record shows this
   * very incarnation as missing and not settled: both in one view, so that a late call never meets what was bound to its successor.
   * Resolves with those (at most 1,000: call again until there are none).
   */
  cancelAssigned(worker: { name: string; incarnation: string }): Promise<Ended[]>;
  /** Waiting tasks whose delay or retry has ended by server time, earliest first. */
  due(limit: number): Promise<Delayed[]>;
  /** Makes due tasks that hold nothing ready (`resources` or `worker`) with fresh numbers from `firstSeq`. Resolves with those that moved. */
  promote(tasks: readonly Delayed[], firstSeq: number): Promise<Task[]>;
  /** Makes due tasks that hold their resources ready for a worker. Resolves with those that are, also by an earlier try. */
  resume(tasks: readonly Delayed[]): Promise<Task[]>;
  /** Cancels waiting tasks past `expiresAt` with reason `expired`; resolves with those that it moved. */
  expire(limit: number): Promise<Ended[]>;
  /** Ready tasks (waiting for `worker`, or for `resources` without a grant when `waitingFor` says so) for longer than `ms`, in order of number. */
  readyFor(waitingFor: 'worker' | 'resources', ms: number, limit: number): Promise<LineTask[]>;

  // --- the resource manager's reads -----------------------------------------------------------------------------
  /** Every number above `seq` in order, voids included as `{seq, void: true}`. */
  range(seq: number, limit: number): Promise<(LineTask | { seq: number; void: true })[]>;
  /** What is stored under these numbers now; at most 1,000, and so for `voidNumbers`. */
  byNumbers(numbers: readonly number[]): Promise<(LineTask | { seq: number; void: true })[]>;
  /** Closes numbers with void records; a number that a task holds meanwhile is left alone. Resolves when each is stored or void. */
  voidNumbers(numbers: readonly number[]): Promise<void>;
  /**
   * Tasks with a grant that are not final, in order of fence, above `afterFence`: at most `limit`, and more only where one fence is found twice. A
   * fence never changes while its task holds, so that pages miss nobody who holds all the while. The first page also has tasks that run without a
   * readable grant (`fence` 0).
   */
  holders(afterFence: number, limit: number): Promise<LineTask[]>;
  /** The fences of the same, in order: numbers alone, from an index. Fences of final tasks may be among them. */
  holderFences(afterFence: number, limit: number): Promise<number[]>;
  /** Waiting for resources without a grant, in order of number, above `seq`. */
  waitingForResources(seq: number, limit: number): Promise<LineTask[]>;
  /** The numbers of the same, in order: from an index alone. */
  waitingNumbers(seq: number, limit: number): Promise<number[]>;
  /** How many hold, and how many wait for resources up to this number; each is counted up to `cap` and no further. */
  countInLines(upToSeq: number, cap: number): Promise<{ holding: number; waiting: number }>;
  /** At most 1,000 ids. */
  byIds(ids: readonly string[]): Promise<LineTask[]>;
  /** Ids that became final within the last `ms` by server time (newest 10,000). */
  endedWithin(ms: number): Promise<string[]>;

  // --- views ----------------------------------------------------------------------------------------------------
  get(id: string): Promise<Task | undefined>;
  list(filter: TaskFilter, page: { limit: number; newestFirst: boolean; after?: string; before?: string }): Promise<TaskPage>;
  /** What has ended, in the order of its ends, or the reverse; else as `list`. */
  listEnded(
    filter: TaskFilter,
    page: { limit: number; newestFirst: boolean; after?: EndedPlace; before?: EndedPlace },
  ): Promise<TaskPage>;
  /** Ids of the next `limit` tasks after this one, oldest first: flat however large the tasks are. */
  ids(filter: TaskFilter, limit: number, afterId?: string): Promise<string[]>;
  /** Counts up to `cap` and stops there. */
  count(filter: TaskFilter, cap: number): Promise<number>;
  /**
   * Who holds this resource and who waits for it, holders first, then by number; at most `limit`. Also by pattern: those who reserve a pattern that
   * covers it or, where it is one itself, something beneath it.
   */
  line(resource: string, limit: number): Promise<LineTask[]>;
  /** Names of queues in which tasks stand or have stood, the first so many by name. */
  queues(limit: number): Promise<string[]>;
  countByState(): Promise<Partial<Record<State, number>>>;
  /** Each number is counted up to `cap`; what has ended costs nothing. */
  backlog(cap: number): Promise<Backlog>;
  /** Tasks of the slots of this schedule after `after`, latest slot first. */
  runsOf(schedule: string, after: Date, limit: number): Promise<Pick<Task, 'id' | 'state'>[]>;
  /** Deletes a final task: `deleted`, `not-final` or `missing`. */
  remove(id: string): Promise<'deleted' | 'not-final' | 'missing'>;

  // --- damaged records ------------------------------------------------------------------------------------------
  /**
   * A record that somebody spoiled by hand hurts nobody else: reads give what is readable of it, marked `damaged` (`claimable`, `due` and
   * `readyFor` leave it out), and writes of many pass it by. At the third call that finds it damaged it becomes `failed` with the code
   * `DAMAGED_RECORD`, unless it may be running: on a live incarnation, or, with resources, nobody can tell where. Resolves with the ids that ended
   * so. A store in which nothing can be damaged resolves with none.
   */
  quarantine(): Promise<string[]>;
}
