import type { Json, JsonObject } from '../core/json.js';
import type { State } from '../core/state.js';
import type { TaskError } from '../core/task.js';
import type { Log } from '../process/log.js';
import type { ChildTask, ResultOptions, SpawnOptions } from './child-task.js';
import type { TaskDefinition } from './definition.js';

/** A task that the running one comes after. */
export interface Dependency {
  id: string;
  state: State;
  /** What it returned, where it completed. */
  result?: Json;
  error?: TaskError;
}

export interface ProgressBar {
  increment(n?: number): void;
  set(done: number): void;
  /** Changes what is given: what it says, or how much there is to do, which may show only on the way. */
  update(change: ProgressOptions): void;
  /** Closes the bar as completed. A bar left open takes the end of its task. */
  end(): void;
}

export interface ProgressOptions {
  message?: string;
  /** Absent: not known. */
  total?: number;
  /** For people, as `MB`. */
  suffix?: string;
}

/** What task code sees of its own run. */
export interface TaskContext {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  /** Name of the worker. */
  readonly worker: string;
  readonly correlationId: string;
  /** Aborts on cancel and shutdown (`reason` is a TaskAborted that says which) and at the soft time limit (SoftTimeLimit). */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Opens a bar. Throws RangeError beyond 100 of them. */
  progress(code: string, options?: ProgressOptions): ProgressBar;
  /** Throws TypeError for what is no text of 1 to 2,048 characters, RangeError beyond 1,000 of them or 256 KiB. */
  createdResource(url: string): void;
  /**
   * Number that only grows per resource: give it to whatever is written outside and let that refuse an older one.
   * Throws Error if the task does not reserve this resource.
   */
  fence(resource: string): number;
  /** Submits another task with this one as parent; the record exists when it resolves. */
  spawn<Input, Result>(
    definition: TaskDefinition<Input, Result>,
    input: NoInfer<Input>,
    options?: SpawnOptions,
  ): Promise<ChildTask<Result>>;
  /**
   * Submits another task with this one as parent, and waits for its result: `spawn`, then `result()`. A child that could never run before this task has
   * ended is refused before it is stored (CONFLICT, reason `cycle`).
   */
  call<Input, Result>(
    definition: TaskDefinition<Input, Result>,
    input: NoInfer<Input>,
    options?: SpawnOptions & ResultOptions,
  ): Promise<Result>;
  /**
   * An empty folder of this start's own (absolute path), removed when it has ended. Made when it is first asked for; where each task has a
   * process of its own it is also the current directory.
   */
  directory(): Promise<string>;
  /**
   * Waits, or rejects with `signal.reason` as soon as the signal aborts. In a lab (`interlock/testing`) virtual time passes, under `runTask` none.
   * Rejects with RangeError for what is no number of seconds from 0 to 2,147,483 (24 days).
   */
  sleep(seconds: number): Promise<void>;
  /** What became of the tasks that this one comes after in its workflow, by their names there; empty outside one. Rejects with InterlockError. */
  dependencies(): Promise<Readonly<Record<string, Dependency>>>;
  /** Calls a service that a plugin offers inside the supervisor (where the database is). Rejects with the service's error. */
  service(name: string, input: JsonObject): Promise<Json>;
}

/** Why `ctx.signal` aborted where a soft time limit has passed: the task should put things in order, and end. */
export class SoftTimeLimit extends Error {
  readonly code = 'SOFT_TIME_LIMIT';

  constructor(limitMs: number) {
    super(`The task has run for longer than its soft limit of ${limitMs / 1_000} s.`);
    this.name = 'SoftTimeLimit';
  }
}

/** Why `ctx.signal` aborted. A body that lets it through ends as canceled. */
export class TaskAborted extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(`The task is canceled (${reason}).`);
    this.name = 'TaskAborted';
    this.reason = reason;
  }
}
