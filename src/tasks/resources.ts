import { inspect } from 'node:util';

import { invalid } from '../core/errors.js';
import type { ResourceLike } from '../core/submit-body.js';
import type { ResourceWish, TaskDefinition } from './definition.js';

export interface ResourceNames {
  exclusive: string[];
  shared: string[];
  /** Units by name. */
  counted?: Record<string, number>;
}

/** The name of a resource: a string itself, or the `href` of an object. Throws TypeError for anything else. */
export function getUrl(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  if (typeof resource === 'object' && resource !== null && 'href' in resource && typeof resource.href === 'string')
    return resource.href;
  throw new TypeError(`A resource is a string or an object with an href, not ${nameOf(resource)}.`);
}

export function namesOf({ exclusive, shared, counted }: ResourceWish): ResourceNames {
  return { exclusive: getUrls(exclusive), shared: getUrls(shared), ...(counted && { counted: unitsOf(counted) }) };
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
    return together(asked, computed);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalid('/kwargs', `the resources of "${definition.name}" cannot be computed from this input: ${why}`, 'resources');
  }
}

/** Of what is asked for twice, the larger number of units. */
function together(a: ResourceNames, b: ResourceNames): ResourceNames {
  const both = { exclusive: [...a.exclusive, ...b.exclusive], shared: [...a.shared, ...b.shared] };
  if (!a.counted && !b.counted) return both;
  const counted = { ...a.counted };
  for (const [name, units] of Object.entries(b.counted ?? {})) if (!((counted[name] ?? 0) > units)) counted[name] = units;
  return { ...both, counted };
}

/** That each is a number is judged where the whole body is. */
function unitsOf(counted: unknown): Record<string, number> {
  if (typeof counted !== 'object' || counted === null || Array.isArray(counted))
    throw new TypeError(`Units are given as { name: units }, not ${nameOf(counted)}.`);
  return { ...(counted as Record<string, number>) };
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
