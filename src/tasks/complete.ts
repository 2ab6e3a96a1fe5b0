import { InterlockError } from '../core/errors.js';
import type { Json, JsonObject } from '../core/json.js';
import { concurrencyOf } from './concurrency.js';
import { presetsOf, type ResourceWish } from './definition.js';
import { checkInput } from './input.js';
import type { Registry } from './registry.js';
import { rateKeyOf } from './rate-key.js';
import { resourcesOf } from './resources.js';
import { uniqueOf } from './unique.js';

/**
 * The submit body of what a task spawns, with all that its type adds: presets, and the resources that it computes from the input. The supervisor, which
 * stores it, has no task code; the API does the same with its own. Throws UNKNOWN_TASK_TYPE, VALIDATION_FAILED.
 */
export async function completed(body: JsonObject, registry: Registry): Promise<JsonObject> {
  const { name, args = [], kwargs = {} } = body;
  const definition = typeof name === 'string' ? registry.get(name) : undefined;
  if (!definition) {
    const errors = [{ pointer: '/name', detail: 'is no task type that this worker has loaded' }];
    throw new InterlockError(
      'UNKNOWN_TASK_TYPE',
      `No task type ${JSON.stringify(name)} is loaded by this worker, so what it reserves is not known.`,
      {
        errors,
      },
    );
  }
  // What is no list or object is refused where the whole body is checked.
  if (!Array.isArray(args) || typeof kwargs !== 'object' || kwargs === null || Array.isArray(kwargs)) return body;
  const { input } = await checkInput(definition, args, kwargs);
  const names = resourcesOf(definition, input, wishOf(body));
  const resources = Object.fromEntries(Object.entries<object>({ ...names }).filter(([, each]) => Object.keys(each).length > 0));
  const unique = uniqueOf(definition, input);
  const rateKey = rateKeyOf(definition, input);
  const concurrency = concurrencyOf(definition, input);
  return {
    ...(presetsOf(definition) as JsonObject),
    ...(unique && { unique: { ...unique } }),
    ...(concurrency && { concurrency: { ...concurrency } }),
    ...(rateKey !== undefined && { rateKey }),
    ...body,
    ...(resources as Record<string, Json>),
  };
}

/** Of the type that this body names, where it has one. */
export function versionOf({ name }: JsonObject, registry: Registry): { version?: number } {
  const version = typeof name === 'string' ? registry.get(name)?.version : undefined;
  return version === undefined ? {} : { version };
}

function wishOf({ exclusive, shared, counted }: JsonObject): ResourceWish {
  return { exclusive, shared, counted } as ResourceWish;
}
