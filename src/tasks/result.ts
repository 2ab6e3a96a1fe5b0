import type { Json } from '../core/json.js';
import type { TaskError } from '../core/task.js';

/** The database takes 100 levels; two are those of the record itself and a margin is left. */
const MAX_DEPTH = 90;

export type EncodedResult = { result: Json; bytes: number } | { error: TaskError };

/**
 * A handler's value as JSON sees it: nothing counts as null, dates become text. Fails with RESULT_NOT_JSON (a function, BigInt, a
 * cycle, 90 levels) or, measured in UTF-8 bytes of JSON, RESULT_TOO_LARGE.
 */
export function encodeResult(value: unknown, limitBytes: number): EncodedResult {
  if (value === undefined || value === null) return { result: null, bytes: 4 };
  let text: string | undefined;
  try {
    text = stringify(value);
  } catch (error) {
    return notJson(error instanceof Error ? error.message : String(error));
  }
  if (text === undefined) return notJson(`it is a ${typeof value}`);
  const bytes = Buffer.byteLength(text);
  if (bytes > limitBytes) {
    const message = `The result has ${bytes} bytes of JSON, more than the ${limitBytes} that are kept. Write large output elsewhere and return where it is.`;
    return { error: { code: 'RESULT_TOO_LARGE', message } };
  }
  const result = JSON.parse(text) as Json;
  const problem = storageProblem(result, MAX_DEPTH);
  return problem === undefined ? { result, bytes } : notJson(problem);
}

/** Why the database could not hold this value, or undefined. */
export function storageProblem(value: Json, levels: number): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (levels === 0) return `it is nested deeper than ${MAX_DEPTH} levels`;
  if (!Array.isArray(value) && Object.keys(value).some(isForbidden))
    return 'a field name holds a null character, or is "_bsontype"';
  for (const part of Object.values(value)) {
    const problem = storageProblem(part, levels - 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The first ends a name in BSON; the second makes its library take plain data for something of its own. */
function isForbidden(key: string): boolean {
  return key.includes('\0') || key === '_bsontype';
}

/** Undefined for a function or a symbol, whatever its declared type says. */
const stringify = JSON.stringify as (value: unknown) => string | undefined;

function notJson(why: string): EncodedResult {
  return { error: { code: 'RESULT_NOT_JSON', message: `The result cannot be written as JSON: ${why}` } };
}
