import type { Json, JsonObject } from '../core/json.js';
import type { Outcome } from '../core/outcome.js';
import type { ProgressReport, Task } from '../core/task.js';
import type { ChildOutcome } from '../tasks/child-task.js';
import type { SpawnHow } from '../tasks/current.js';

/** One start, as it is handed to a child. */
export interface Job {
  task: Task;
  token: string;
}

/** Of one start: how it ended, or that its child has no such type, or an older version, so that nothing was begun. */
export type RunOutcome = Outcome | { kind: 'unfamiliar' };

/** What a running body asks of its supervisor. */
export interface JobEvents {
  /** Whole list of reports and created resources so far; already coalesced to at most four a second. */
  report(progress: ProgressReport[], createdResources: string[]): void;
  /** A complete submit body; `how` holds the version of its type where that has one. Rejects with InterlockError. */
  spawn(body: JsonObject, how: SpawnHow): Promise<{ id: string }>;
  /** How this task has ended, once it has. `left` aborts when the body does not wait any more. Rejects with InterlockError. */
  outcomeOf(task: string, left: AbortSignal): Promise<ChildOutcome>;
  service(name: string, input: JsonObject): Promise<Json>;
}

export interface PoolStats {
  slots: number;
  /** Runs that have a slot, and those that wait for other tasks and have none. */
  busy: number;
  awaiting: number;
  children: {
    pid: number;
    startTicks: number;
    /** Ids of the tasks that run in it now. */
    tasks: string[];
    tasksRun: number;
    /** It gets no more tasks, and is gone when those that it has have ended. */
    retired: boolean;
  }[];
  /** As `Pool.types`. */
  types: readonly string[];
  /** Starts that ended, in all children that there ever were. */
  tasksRun: number;
}

/**
 * Runs task code outside this process. Adapters: `prefork/` (a process for each task), `async/` (many tasks in one process).
 * The promise that matters: when `run` resolves, nothing of that start is running any more. `async` takes it from code that it trusts that nothing
 * goes on when the body has returned; both kill what does not return.
 */
export interface Pool {
  readonly kind: 'prefork' | 'async';
  /** Labels (`core/task-type.ts`) of the types that the newest child has loaded; the same list as long as they are the same. Empty until one is ready. */
  readonly types: readonly string[];
  /** As last asked for. */
  readonly slots: number;
  /** Resolves when the first child is ready; throws when the task modules cannot be loaded. */
  start(): Promise<void>;
  /** Never rejects. The caller begins none while `slots` or more are going, but for those that await others. */
  run(job: Job, events: JobEvents): Promise<RunOutcome>;
  /**
   * Asks a run to end: AbortSignal, graces, and at last SIGKILL of the group. Its `run` then resolves `canceled` with this reason (or as the body
   * ended first). What is killed along with it resolves `canceled`, `worker-lost`.
   */
  cancel(taskId: string, reason: 'user' | 'worker-shutdown'): void;
  /** This run waits for other tasks: it keeps its process, and another run may be begun; or it goes on. Does nothing for one that has ended. */
  setAwaiting(taskId: string, awaits: boolean): void;
  /** From now on so many, at least 1. More: children are started. Fewer: what runs goes on to its end, and children that nobody needs then are ended. */
  resize(slots: number): void;
  /** Absolute monotonic time in ms at which every child kills itself unless told a later one. */
  extendDeadline(monotonicMs: number): void;
  /** Kills every child's group now; resolves when all are seen gone; their runs resolve `canceled`, `worker-lost`. The pool refills itself unless stopped. */
  killAll(): Promise<void>;
  /** Kills what is left and refills no more. */
  stop(): Promise<void>;
  stats(): PoolStats;
}
