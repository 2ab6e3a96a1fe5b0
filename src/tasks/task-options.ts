import type { TaskContext } from './context.js';
import type { ResourceWish, TaskDefaults } from './definition.js';

/** What a handler may return: plain JSON, or nothing (which counts as null). Anything else fails the task with RESULT_NOT_JSON. */
export type HandlerResult<Result> = Promise<Result> | Result;

export interface TaskOptions<Input, Result> extends TaskDefaults {
  /** `[A-Za-z0-9_.:-]{1,200}`, unique among the loaded modules. */
  name: string;
  /** Added to what the caller reserves. Runs where the task is submitted, on checked input. */
  resources?: (input: Input) => ResourceWish;
  handler: (input: Input, ctx: TaskContext) => HandlerResult<Result>;
}
