import { nearest } from './nearest.js';

/** One thing that a value does not fit in, as ajv tells it with `verbose`. */
export interface Misfit {
  keyword: string;
  params: Record<string, unknown>;
  message?: string | undefined;
  /** Of the value that does not fit. */
  data?: unknown;
  parentSchema?: object | undefined;
  /** Where it is not the value that does not fit, but the name of one of its fields. */
  propertyName?: string | undefined;
}

interface Bounds {
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  minProperties?: number;
  maxProperties?: number;
}

const TYPES: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'a string',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** For people: what is expected there and, as far as it shows nothing that may be secret, what came instead. */
export function inWords(misfit: Misfit): string {
  const words = wordsOf(misfit) ?? misfit.message ?? 'is not valid';
  return misfit.propertyName === undefined ? words : `the name ${JSON.stringify(misfit.propertyName.slice(0, 100))}: ${words}`;
}

/** Of a field that is not among the known ones. */
export function unknownWords(name: string, known: readonly string[], what = 'field'): string {
  const meant = nearest(name, known);
  const those = known.length > 0 ? `; known are ${known.join(', ')}` : ': none is known here';
  return `is not a known ${what}${meant === undefined ? those : `; did you mean "${meant}"?`}`;
}

/** `a number or a string` */
export function typesOf(type: unknown): string {
  return [type]
    .flat()
    .map(each => TYPES[String(each)] ?? String(each))
    .join(' or ');
}

function wordsOf({ keyword, params, data, parentSchema = {} }: Misfit): string | undefined {
  const bounds = parentSchema as Bounds;
  switch (keyword) {
    case 'type':
      return `expected ${typesOf(params.type)}, not ${kindOf(data)}`;
    case 'enum':
      return oneOf(params.allowedValues as unknown[]);
    case 'const':
      return `expected ${JSON.stringify(params.allowedValue)}`;
    case 'minimum':
    case 'maximum':
      return `expected ${between(bounds.minimum, bounds.maximum)}, not ${String(data)}`;
    case 'exclusiveMinimum':
      return `expected more than ${String(params.limit)}, not ${String(data)}`;
    case 'exclusiveMaximum':
      return `expected less than ${String(params.limit)}, not ${String(data)}`;
    case 'multipleOf':
      return `expected a multiple of ${String(params.multipleOf)}, not ${String(data)}`;
    case 'minItems':
    case 'maxItems':
      return counted(bounds.minItems, bounds.maxItems, (data as unknown[]).length, ['entry', 'entries']);
    case 'minLength':
    case 'maxLength':
      return counted(bounds.minLength, bounds.maxLength, Array.from(data as string).length, ['character', 'characters']);
    case 'minProperties':
    case 'maxProperties':
      return counted(bounds.minProperties, bounds.maxProperties, Object.keys(data as object).length, ['field', 'fields']);
    case 'uniqueItems':
      return `has the same entry twice, at ${String(params.j)} and ${String(params.i)} (counted from 0)`;
    case 'pattern':
      return ofPattern(String(params.pattern));
    case 'format':
      return `expected the format ${String(params.format)}`;
    case 'propertyNames':
      return `has a field of the name ${JSON.stringify(params.propertyName)}, which is not allowed`;
    default:
      return undefined;
  }
}

/** Of a number the value itself: that 1.5 is no whole number says more than that it is a number. */
export function kindOf(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  return TYPES[Array.isArray(value) ? 'array' : typeof value] ?? typeof value;
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? `expected ${String(values[0])}` : `expected one of ${values.join(', ')}`;
}

function between(low: number | undefined, high: number | undefined): string {
  if (low === undefined) return `at most ${high}`;
  return high === undefined ? `at least ${low}` : `${low} to ${high}`;
}

function counted(low: number | undefined, high: number | undefined, there: number, [one, many]: [string, string]): string {
  return `expected ${between(low, high)} ${(high ?? low) === 1 ? one : many}, not ${there}`;
}

/** Names are of so many of some characters nearly always; `[!-~]` are all of ASCII that can be seen. */
function ofPattern(pattern: string): string {
  const [, set, low, high] = /^\^\[([^\]\\^]+)\]\{(\d+),(\d+)\}\$$/.exec(pattern) ?? [];
  if (set === undefined) return `expected text that matches the pattern ${pattern}`;
  if (set === '!-~') return `expected ${low} to ${high} visible ASCII characters, without spaces`;
  return `expected ${low} to ${high} of the characters ${(set.match(/.-.|./gu) ?? []).join(' ')}`;
}
