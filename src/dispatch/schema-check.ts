import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

import { InterlockError, type FieldError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import { pointerTo } from '../core/pointer.js';
import { firstErrors } from '../tasks/first-errors.js';
import { readTime } from './moment.js';
import { SUBMIT_BODY, VISIBLE } from './submit-schema.js';
import { WORKFLOW_BODY } from './workflow-schema.js';

/** A body of 1 MiB could hold a hundred thousand of them. */
const MAX_ERRORS = 20;

// Nothing is coerced, filled in or dropped: a request means what it says, or is refused.
function ajvFor(allErrors: boolean): Ajv2020 {
  const ajv = new Ajv2020({ allErrors, verbose: true, coerceTypes: false, removeAdditional: false, allowUnionTypes: true });
  formats.default(ajv);
  ajv.addFormat('date-time', text => readTime(text) !== undefined);
  ajv.addSchema(SUBMIT_BODY);
  ajv.addSchema(WORKFLOW_BODY);
  return ajv;
}

const forFirst = ajvFor(false);
const forAll = ajvFor(true);

/** Compiles once; the function gives every error of a value, at most 20, with pointers into it; only the first of a large value. */
export function schemaCheck(schema: object): (value: unknown) => FieldError[] {
  const first = compiled(forFirst, schema);
  return value =>
    firstErrors(first, () => compiled(forAll, schema), value)
      .slice(0, MAX_ERRORS)
      .map(fieldError);
}

/** An ajv knows what it has compiled, by identity. */
function compiled(ajv: Ajv2020, schema: object): ValidateFunction {
  const { $id } = schema as { $id?: string };
  return ($id === undefined ? undefined : ajv.getSchema($id)) ?? ajv.compile(schema);
}

/** One error for all that is wrong with a request. `errors` must not be empty. */
export function validationFailed(errors: readonly FieldError[]): InterlockError {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const message = `${first?.pointer === '' ? 'The body' : (first?.pointer ?? 'The body')}: ${first?.detail ?? 'is not valid'}${more}`;
  return new InterlockError('VALIDATION_FAILED', message, { errors: errors.slice(0, MAX_ERRORS) });
}

function fieldError(error: ErrorObject): FieldError {
  const { keyword, instancePath, message = 'is not valid' } = error;
  const params = error.params as Record<string, unknown>;
  switch (keyword) {
    case 'additionalProperties':
      return unknownField(error, String(params.additionalProperty));
    case 'required':
      return { pointer: `${instancePath}/${String(params.missingProperty)}`, detail: 'is required', reason: 'required' };
    case 'type':
      return {
        pointer: instancePath,
        detail: `expected ${typesOf(params.type)}, not ${typeOf(error.data)}`,
        reason: 'type_mismatch',
      };
    case 'enum':
      return {
        pointer: instancePath,
        detail: `expected one of ${(params.allowedValues as unknown[]).join(', ')}`,
        reason: 'not_allowed',
      };
    case 'format':
      return { pointer: instancePath, detail: 'expected a time with its zone, as 2026-01-31T12:00:00Z', reason: 'date_invalid' };
    case 'pattern':
      if (error.schema !== VISIBLE) return { pointer: instancePath, detail: message, reason: 'bad_format' };
      return { pointer: instancePath, detail: 'must not hold control characters, nor such that turn text', reason: 'bad_text' };
    case 'minProperties':
    case 'maxProperties':
      return { pointer: instancePath, ...countOfFields(error, message) };
    default:
      return { pointer: instancePath, detail: message, reason: REASONS[keyword] ?? keyword };
  }
}

const REASONS: Readonly<Record<string, string>> = {
  minimum: 'number_range',
  maximum: 'number_range',
  maxItems: 'too_many',
  minItems: 'too_few',
  maxLength: 'too_long',
  minLength: 'too_short',
};

function countOfFields({ parentSchema }: ErrorObject, message: string): Omit<FieldError, 'pointer'> {
  const { properties, minProperties, maxProperties } = (parentSchema ?? {}) as {
    properties?: object;
    minProperties?: number;
    maxProperties?: number;
  };
  const names = Object.keys(properties ?? {});
  if (minProperties !== 1 || names.length === 0) return { detail: message, reason: 'ambiguous' };
  const some = `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
  return { detail: `expected ${maxProperties === 1 ? 'exactly' : 'at least'} one of ${some}`, reason: 'ambiguous' };
}

function unknownField(error: ErrorObject, name: string): FieldError {
  const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
  const meant = nearest(name, known);
  const hint = meant === undefined ? (known.length > 0 ? `; known are ${known.join(', ')}` : '') : `; did you mean "${meant}"?`;
  const pointer = error.instancePath + pointerTo(name);
  return { pointer, detail: `is not a known field${hint}`, reason: 'unknown_field' };
}

function typesOf(type: unknown): string {
  return Array.isArray(type) ? type.join(' or ') : String(type);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
