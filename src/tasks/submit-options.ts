import type { Json, JsonObject } from '../core/json.js';
import type { SubmitOptions } from '../core/submit-body.js';
import { namesOf } from './resources.js';

/** The submit body of one task. Throws TypeError for what is no resource, and for input that JSON cannot hold. */
export function submitBody(
  name: string,
  input: { args?: readonly unknown[]; kwargs?: unknown },
  options: SubmitOptions = {},
): JsonObject {
  const { exclusive, shared, counted = {}, ...rest } = options;
  const wish = namesOf({ exclusive, shared });
  const body = {
    name,
    ...(input.args && input.args.length > 0 && { args: input.args }),
    ...(input.kwargs !== undefined && { kwargs: input.kwargs }),
    ...(wish.exclusive.length > 0 && { exclusive: wish.exclusive }),
    ...(wish.shared.length > 0 && { shared: wish.shared }),
    ...(Object.keys(counted).length > 0 && { counted }),
    ...rest,
  };
  return asJson(body, `The input of "${name}"`) as JsonObject;
}

/** A copy as JSON sees it: dates become text, undefined fields vanish. Throws TypeError for cycles, BigInt and the like. */
function asJson(value: unknown, what: string): Json {
  try {
    return JSON.parse(JSON.stringify(value)) as Json;
  } catch (cause) {
    throw new TypeError(`${what} cannot be written as JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
