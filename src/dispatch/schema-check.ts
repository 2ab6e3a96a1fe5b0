import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

import { InterlockError, type FieldError } from '../core/errors.js';
import { pointerTo } from '../core/pointer.js';
import { inWords, typesOf, unknownWords } from '../core/schema-words.js';
import { firstErrors } from '../tasks/first-errors.js';
import { readTime, TIME_EXPECTED } from './moment.js';
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
/** Made with the first small body that is wrong: no role pays for it when it starts. */
let forAll: Ajv2020 | undefined;

/** Where a value comes from: all of a query or a header is text, whatever it is read as. */
export type Part = 'body' | 'query' | 'header';

/** Compiles once; the function gives every error of a value, at most 20, with pointers into it; only the first of a large value. */
export function schemaCheck(schema: object, part: Part = 'body'): (value: unknown) => FieldError[] {
  const first = compiled(forFirst, schema);
  return value =>
    told(firstErrors(first, () => compiled((forAll ??= ajvFor(true)), schema), value)).map(error => fieldError(error, part));
}

/** An ajv knows what it has compiled, by identity. */
function compiled(ajv: Ajv2020, schema: object): ValidateFunction {
  const { $id } = schema as { $id?: string };
  return ($id === undefined ? undefined : ajv.getSchema($id)) ?? ajv.compile(schema);
}

/** Without what each branch of a union has against a value: that none of them fits says it. */
function told(errors: readonly ErrorObject[]): ErrorObject[] {
  const unions = new Set(errors.filter(({ keyword }) => keyword === 'anyOf').map(({ instancePath }) => instancePath));
  const some = errors.filter(({ instancePath, schemaPath }) => !unions.has(instancePath) || !schemaPath.includes('/anyOf/'));
  return some.slice(0, MAX_ERRORS);
}

/** One error for all that is wrong with a request. `errors` must not be empty. */
export function validationFailed(errors: readonly FieldError[]): InterlockError {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const message = `${first?.pointer === '' ? 'The body' : (first?.pointer ?? 'The body')}: ${first?.detail ?? 'is not valid'}${more}`;
  return new InterlockError('VALIDATION_FAILED', message, { errors: errors.slice(0, MAX_ERRORS) });
}

function fieldError(error: ErrorObject, part: Part): FieldError {
  const { keyword, instancePath: pointer } = error;
  const params = error.params as Record<string, unknown>;
  const detail = inWords({ ...error, params });
  switch (keyword) {
    case 'additionalProperties':
      return unknownField(error, String(params.additionalProperty), part);
    case 'required':
      return { pointer: `${pointer}/${String(params.missingProperty)}`, detail: 'is required', reason: 'required' };
    case 'type':
      return { pointer, detail: part === 'body' ? detail : ofText(error), reason: 'type_mismatch' };
    case 'anyOf':
      return { pointer, ...ofUnion(error) };
    case 'format':
      return { pointer, detail: TIME_EXPECTED, reason: 'date_invalid' };
    case 'pattern':
      return error.schema === VISIBLE
        ? { pointer, detail: INVISIBLE, reason: 'bad_text' }
        : { pointer, detail, reason: 'bad_format' };
    case 'minProperties':
    case 'maxProperties':
      return { pointer, detail: countOfFields(error) ?? detail, reason: 'ambiguous' };
    default:
      return { pointer, detail, reason: REASONS[keyword] ?? keyword };
  }
}

const INVISIBLE = 'holds a control character (as a line feed) or one that turns the direction of text: use visible ones only';

const REASONS: Readonly<Record<string, string>> = {
  enum: 'not_allowed',
  minimum: 'number_range',
  exclusiveMinimum: 'number_range',
  maximum: 'number_range',
  maxItems: 'too_many',
  minItems: 'too_few',
  maxLength: 'too_long',
  minLength: 'too_short',
};

/** That `abc` is a string is no news of a parameter, which cannot be anything else. */
function ofText({ data, params }: ErrorObject): string {
  const expected = `expected ${typesOf((params as { type: unknown }).type)}`;
  return Array.isArray(data) ? `is given ${data.length} times: ${expected}` : expected;
}

function ofUnion({ parentSchema, data }: ErrorObject): Pick<FieldError, 'detail' | 'reason'> {
  const branches = (parentSchema as { anyOf: { type?: unknown }[] }).anyOf;
  const type = branches.map(branch => branch.type);
  if (type.includes(undefined)) return { detail: 'fits none of the forms that are allowed here', reason: 'anyOf' };
  return { detail: inWords({ keyword: 'type', params: { type }, data }), reason: 'type_mismatch' };
}

/** Undefined where it is no choice between fields that have names. */
function countOfFields({ parentSchema }: ErrorObject): string | undefined {
  const { properties, minProperties, maxProperties } = (parentSchema ?? {}) as {
    properties?: object;
    minProperties?: number;
    maxProperties?: number;
  };
  const names = Object.keys(properties ?? {});
  if (minProperties !== 1 || names.length === 0) return undefined;
  const some = `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
  return `expected ${maxProperties === 1 ? 'exactly' : 'at least'} one of ${some}`;
}

function unknownField(error: ErrorObject, name: string, part: Part): FieldError {
  const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
  const detail = unknownWords(name, known, part === 'body' ? 'field' : 'parameter');
  return { pointer: error.instancePath + pointerTo(name), detail, reason: 'unknown_field' };
}
