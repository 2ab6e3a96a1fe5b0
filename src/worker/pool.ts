import type { Json, JsonObject } from '../core/json.js';
import type { Outcome } from '../core/outcome.js';
import type { ProgressReport, Task } from '../core/task.js';

/** One start, as it is handed to a child. */
export interface Job {
  task: Task;
  token: string;
}

/** What a running body asks of its supervisor. */
export interface JobEvents {
  /** Whole list of reports and created resources so far; already coalesced to at most four a second. */
  report(progress: ProgressReport[], createdResources: string[]): void;
  /** A complete submit body. Rejects with InterlockError. */
  spawn(body: JsonObject): Promise<{ id: string }>;
  service(name: string, input: JsonObject): Promise<Json>;
}

export interface PoolStats {
  slots: number;
  busy: number;
  children: {
    pid: number;
    startTicks: number;
    /** Ids of the tasks that run in it now. */
    tasks: string[];
    tasksRun: number;
    /** It gets no more tasks, and is gone when those that it has have ended. */
    retired: boolean;
  }[];
  /** Types that the children have loaded; empty until the first child is ready. */
  types: string[];
}

/**
 * Runs task code outside this process. Adapters: `prefork/` (a process for each task), `async/` (many tasks in one process).
 * The promise that matters: when `run` resolves, nothing of that start is running any more. `async` takes it from code that it trusts that nothing
 * goes on when the body has returned; both kill what does not return.
 */
export interface Pool {
  readonly slots: number;
  /** Resolves when the first child is ready; throws when the task modules cannot be loaded. */
  start(): Promise<void>;
  /** Never rejects. The caller keeps at most `slots` runs going. */
  run(job: Job, events: JobEvents): Promise<Outcome>;
  /**
   * Asks a run to end: AbortSignal, graces, and at last SIGKILL of the group. Its `run` then resolves `canceled` with this reason (or as the body
   * ended first). What is killed along with it resolves `canceled`, `worker-lost`.
   */
  cancel(taskId: string, reason: 'user' | 'worker-shutdown'): void;
  /** Absolute monotonic time in ms at which every child kills itself unless told a later one. */
  extendDeadline(monotonicMs: number): void;
  /** Kills every child's group now; resolves when all are seen gone; their runs resolve `canceled`, `worker-lost`. The pool refills itself unless stopped. */
  killAll(): Promise<void>;
  /** Kills what is left and refills no more. */
  stop(): Promise<void>;
  stats(): PoolStats;
}
