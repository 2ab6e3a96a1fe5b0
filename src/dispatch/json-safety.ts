import type { FieldError } from '../core/errors.js';
import { pointerTo } from '../core/pointer.js';

export interface JsonLimits {
  /** Containers inside containers, the outermost one included. */
  depth: number;
  /** Elements of arrays and members of objects, all together. */
  elements: number;
}

/** One submission: far above any honest one, far below what makes a process slow. */
export const TASK_LIMITS: JsonLimits = { depth: 32, elements: 100_000 };

// A half of a surrogate pair becomes U+FFFD in BSON and UTF-8: two different names would become one.
const LONE_SURROGATE = /\p{Cs}/u;

/**
 * The first thing in a value that JSON can carry but this system must not: too deep, too many, keys that reach into prototypes or
 * drivers, text that cannot be stored unchanged, numbers that were rounded when they were read. Undefined: it is safe.
 */
export function unsafeJson(value: unknown, limits: JsonLimits): FieldError | undefined {
  return inside(value, { limits, left: limits.elements }, 1);
}

interface Walk {
  limits: JsonLimits;
  left: number;
}

function inside(value: unknown, walk: Walk, depth: number): FieldError | undefined {
  if (typeof value === 'string') return textProblem(value);
  if (typeof value === 'number') return numberProblem(value);
  if (value === null || typeof value === 'boolean') return undefined;
  if (typeof value !== 'object') return problem('not_json', `a ${typeof value} is not JSON`);
  if (depth > walk.limits.depth)
    return problem('too_deep', `is nested too deep: at most ${walk.limits.depth} levels are allowed`);
  return Array.isArray(value) ? inArray(value, walk, depth) : inObject(value as Record<string, unknown>, walk, depth);
}

function inArray(values: readonly unknown[], walk: Walk, depth: number): FieldError | undefined {
  walk.left -= values.length;
  if (walk.left < 0) return tooMany(walk);
  for (const [index, value] of values.entries()) {
    const found = inside(value, walk, depth + 1);
    if (found) return below(String(index), found);
  }
  return undefined;
}

function inObject(object: Record<string, unknown>, walk: Walk, depth: number): FieldError | undefined {
  const keys = Object.keys(object);
  walk.left -= keys.length;
  if (walk.left < 0) return tooMany(walk);
  for (const key of keys) {
    const found = keyProblem(key, object[key]) ?? inside(object[key], walk, depth + 1);
    if (found) return below(key, found);
  }
  return undefined;
}

function keyProblem(key: string, value: unknown): FieldError | undefined {
  const poisons = key === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
  if (poisons) return problem('forbidden_key', 'the key "constructor.prototype" is not allowed: use another name');
  if (key === '__proto__' || key === '_bsontype')
    return problem('forbidden_key', `the key "${key}" is not allowed: use another name`);
  return textProblem(key);
}

function textProblem(text: string): FieldError | undefined {
  if (text.includes('\0')) return problem('bad_text', 'holds a NUL character (\\u0000), which text must not');
  if (LONE_SURROGATE.test(text))
    return problem('bad_text', 'holds half of a character (a lone surrogate, \\ud800 to \\udfff), which text must not');
  return undefined;
}

function numberProblem(number: number): FieldError | undefined {
  if (!Number.isFinite(number))
    return problem('number_range', 'is larger than any number that can be kept: expected at most 2^53 - 1, or a string');
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) {
    return problem('number_range', 'would be rounded, as any whole number beyond 2^53 - 1: send it as a string');
  }
  return undefined;
}

function tooMany(walk: Walk): FieldError {
  return problem('too_many', `has too many elements: at most ${walk.limits.elements} in all are allowed`);
}

function problem(reason: string, detail: string): FieldError {
  return { pointer: '', detail, reason };
}

function below(key: string, found: FieldError): FieldError {
  return { ...found, pointer: pointerTo(key) + found.pointer };
}
