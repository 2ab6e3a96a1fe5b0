import type { UniqueWish } from '../core/submit-body.js';
import type { TaskContext } from './context.js';
import type { ErrorMatch, ResourceWish, TaskDefaults } from './definition.js';

/** What a handler may return: plain JSON, or nothing (which counts as null). Anything else fails the task with RESULT_NOT_JSON. */
export type HandlerResult<Result> = Promise<Result> | Result;

export interface TaskOptions<Input, Result> extends TaskDefaults {
  /** `[A-Za-z0-9_.:-]{1,200}`, unique among the loaded modules. */
  name: string;
  /** Added to what the caller reserves. Runs where the task is submitted, on checked input. */
  resources?: (input: Input) => ResourceWish;
  /** At most one at a time of what this is the key of; a function is given checked input, where the task is submitted. */
  unique?: UniqueWish | ((input: Input) => UniqueWish | undefined);
  /** Only these failures are tried again, where there is a retry policy. */
  retryOn?: readonly ErrorMatch[];
  /** These never are, though `retryOn` may name them. */
  noRetryOn?: readonly ErrorMatch[];
  handler: (input: Input, ctx: TaskContext) => HandlerResult<Result>;
}
