import type { UniqueWish } from '../core/submit-body.js';
import type { TaskContext } from './context.js';
import type { ConcurrencyLimit, ErrorMatch, ResourceWish, TaskDefaults } from './definition.js';

/** What a handler may return: plain JSON, or nothing (which counts as null). Anything else fails the task with RESULT_NOT_JSON. */
export type HandlerResult<Result> = Promise<Result> | Result;

export interface TaskOptions<Input, Result> extends TaskDefaults {
  /** `[A-Za-z0-9_.:-]{1,200}`, unique among the loaded modules. */
  name: string;
  /**
   * A whole number from 1. Raise it when tasks that are submitted from now on must not be run by older code: a worker that has an older version, or
   * none, leaves them to others. Absent: any version will do.
   */
  version?: number;
  /** Added to what the caller reserves. Runs where the task is submitted, on checked input. */
  resources?: (input: Input) => ResourceWish;
  /** At most one at a time of what this is the key of; a function is given checked input, where the task is submitted. */
  unique?: UniqueWish | ((input: Input) => UniqueWish | undefined);
  /** What `rateLimit` limits together; the name of the type unless given. A function is given checked input, where the task is submitted. */
  rateKey?: string | ((input: Input) => string | undefined);
  /** At most so many at a time in the whole deployment. Others wait in line, not in a worker. */
  concurrency?: ConcurrencyLimit<Input>;
  /** Only these failures are tried again, where there is a retry policy. */
  retryOn?: readonly ErrorMatch[];
  /** These never are, though `retryOn` may name them. */
  noRetryOn?: readonly ErrorMatch[];
  handler: (input: Input, ctx: TaskContext) => HandlerResult<Result>;
}
