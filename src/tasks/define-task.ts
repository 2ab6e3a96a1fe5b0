import type { TSchema } from 'typebox';

import type { JsonObject } from '../core/json.js';
import { parseLimit, RATE_EXPECTED } from '../core/rate.js';
import { TASK_NAME, type InputOf, type ParsedInputOf, type StandardSchema, type TaskDefinition } from './definition.js';
import type { TaskOptions } from './task-options.js';

/**
 * Defines a task type. Its handler gets the task's `kwargs` as typed input, checked against `input` when the task is submitted and
 * again where it runs. `input` is a TypeBox or other JSON Schema, or any Standard Schema (zod, valibot, arktype); without one the
 * input is an unchecked object.
 * Throws TypeError when the name, the handler or the rate limit cannot be used.
 */
export function defineTask<const S extends StandardSchema, Result>(
  options: TaskOptions<ParsedInputOf<S>, Result> & { input: S },
): TaskDefinition<InputOf<S>, Result>;
export function defineTask<const S extends TSchema, Result>(
  options: TaskOptions<ParsedInputOf<S>, Result> & { input: S },
): TaskDefinition<InputOf<S>, Result>;
export function defineTask<Result>(
  options: TaskOptions<JsonObject, Result> & { input?: undefined },
): TaskDefinition<JsonObject, Result>;
export function defineTask(
  options: TaskOptions<never, unknown> & { input?: TSchema | StandardSchema | undefined },
): TaskDefinition {
  const { name, input, ...rest } = options;
  if (typeof name !== 'string' || !TASK_NAME.test(name)) {
    throw new TypeError(`defineTask: the name ${JSON.stringify(name)} must have 1 to 200 of the characters A-Z a-z 0-9 _ . : -`);
  }
  if (typeof options.handler !== 'function') throw new TypeError(`defineTask: the task "${name}" has no handler function.`);
  if (options.version !== undefined && !(Number.isSafeInteger(options.version) && options.version >= 1)) {
    throw new TypeError(
      `defineTask: the version of the task "${name}" must be a whole number from 1, not ${String(options.version)}.`,
    );
  }
  if (!isSchema(input)) {
    throw new TypeError(`defineTask: the input of the task "${name}" must be a JSON Schema or a Standard Schema.`);
  }
  checkRate(name, options);
  return Object.freeze({ ...rest, kind: 'interlock.task', plain: false, name, ...(input !== undefined && { input }) });
}

/** A rate that cannot be read would otherwise be found out by whoever submits the first task. */
function checkRate(name: string, { rateLimit, rateKey }: Pick<TaskOptions<never, unknown>, 'rateLimit' | 'rateKey'>): void {
  if (rateLimit === undefined) {
    if (rateKey !== undefined) throw new TypeError(`defineTask: the task "${name}" has a rateKey but no rateLimit.`);
    return;
  }
  if (typeof rateLimit !== 'string' || !parseLimit(rateLimit)) {
    throw new TypeError(`defineTask: the rateLimit ${JSON.stringify(rateLimit)} of the task "${name}": ${RATE_EXPECTED}.`);
  }
}

/** Some libraries' schemas are functions. */
function isSchema(input: unknown): boolean {
  return input === undefined || (typeof input === 'object' && input !== null) || typeof input === 'function';
}
