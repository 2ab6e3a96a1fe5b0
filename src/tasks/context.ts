import type { Json, JsonObject } from '../core/json.js';
import type { Log } from '../process/log.js';
import type { TaskDefinition } from './definition.js';
import type { SubmitOptions } from './submit-options.js';

export interface ProgressBar {
  increment(n?: number): void;
  set(done: number): void;
  /** Closes the bar as completed. A bar left open takes the end of its task. */
  end(): void;
}

/** What task code sees of its own run. */
export interface TaskContext {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  /** Name of the worker. */
  readonly worker: string;
  readonly correlationId: string;
  /** Aborts on cancel, shutdown and time limits; `reason` is an Error that says which. */
  readonly signal: AbortSignal;
  readonly log: Log;
  progress(code: string, options?: { message?: string; total?: number; suffix?: string }): ProgressBar;
  createdResource(url: string): void;
  /** Number that only grows per resource: give it to whatever is written outside and let that refuse an older one. Throws if it is not reserved. */
  fence(resource: string): number;
  /** Submits another task with this one as parent; the record exists when it resolves. */
  spawn<Input>(definition: TaskDefinition<Input>, input: Input, options?: SubmitOptions): Promise<{ id: string }>;
  /** Calls a service that a plugin offers inside the supervisor (where the database is). Rejects with the service's error. */
  service(name: string, input: JsonObject): Promise<Json>;
}
