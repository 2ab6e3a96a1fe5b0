import { inspect } from 'node:util';

import { invalid } from '../core/errors.js';
import type { ResourceLike } from '../core/submit-body.js';
import type { ResourceWish, TaskDefinition } from './definition.js';

export interface ResourceNames {
  exclusive: string[];
  shared: string[];
}

/** The name of a resource: a string itself, or the `href` of an object. Throws TypeError for anything else. */
export function getUrl(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  if (typeof resource === 'object' && resource !== null && 'href' in resource && typeof resource.href === 'string')
    return resource.href;
  throw new TypeError(`A resource is a string or an object with an href, not ${nameOf(resource)}.`);
}

export function namesOf(wish: ResourceWish): ResourceNames {
  return { exclusive: getUrls(wish.exclusive), shared: getUrls(wish.shared) };
}

/**
 * What a task reserves: the names in its submit body and those that its type computes from the checked input (`CheckedInput.input`).
 * Not canonical yet. Throws VALIDATION_FAILED when the type's own function throws or names something that is no resource.
 */
export function resourcesOf(definition: TaskDefinition, input: unknown, wish: ResourceWish): ResourceNames {
  const asked = namesOf(wish);
  if (!definition.resources) return asked;
  try {
    const computed = namesOf(definition.resources(input as never));
    return { exclusive: [...asked.exclusive, ...computed.exclusive], shared: [...asked.shared, ...computed.shared] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalid('/kwargs', `the resources of "${definition.name}" cannot be computed from this input: ${why}`, 'resources');
  }
}

function getUrls(resources: readonly ResourceLike[] | undefined): string[] {
  if (resources === undefined) return [];
  if (!Array.isArray(resources)) throw new TypeError(`Resources are given as an array, not ${nameOf(resources)}.`);
  return (resources as readonly unknown[]).map(getUrl);
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `the function ${value.name || '(unnamed)'}`;
  if (typeof value !== 'object') return `${typeof value} ${inspect(value)}`;
  const kind = (value.constructor as { name?: string } | undefined)?.name ?? 'Object';
  return `an object of ${kind} without one`;
}
