import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

import type { FieldError } from '../core/errors.js';
import type { JsonObject } from '../core/json.js';
import { pointerTo } from '../core/pointer.js';
import { inWords, unknownWords } from '../core/schema-words.js';
import { boundedPattern, boundedTest, TooSlow } from './bounded-pattern.js';
import { isStandardSchema, type TaskDefinition } from './definition.js';
import { firstErrors } from './first-errors.js';

type KnownFormat = Ajv['formats'][string];

interface Validators {
  first: ValidateFunction;
  all?: ValidateFunction;
}

const validators = new WeakMap<object, Validators>();

/** Throws when the schema is none. */
export function compile(schema: object): Validators {
  const known = validators.get(schema);
  if (known) return known;
  const compiled = { first: validatorOf(schema, false) };
  validators.set(schema, compiled);
  return compiled;
}

/** What is wrong with the kwargs, or the first of it where they are large; empty when they fit. */
export function schemaErrors(schema: object, kwargs: JsonObject): FieldError[] {
  const compiled = compile(schema);
  try {
    return firstErrors(compiled.first, () => (compiled.all ??= validatorOf(schema, true)), kwargs).map(fieldError);
  } catch (error) {
    if (!(error instanceof TooSlow)) throw error;
    return [
      {
        pointer: '/kwargs',
        detail: `a text in it ${error.message} of its task type, and is refused for that`,
        reason: 'too_slow',
      },
    ];
  }
}

/** Nothing is coerced or filled in: what is stored is what was given. */
function validatorOf(schema: object, allErrors: boolean): ValidateFunction {
  // A registry of its own for each, so that two types may use the same `$id`; any draft is read as 2020-12.
  const regExp = Object.assign(boundedPattern, { code: 'boundedPattern' });
  const ajv = new Ajv2020({ strict: false, allErrors, verbose: true, coerceTypes: false, code: { regExp } });
  formats.default(ajv);
  for (const [name, format] of Object.entries(ajv.formats)) ajv.formats[name] = boundedFormat(name, format);
  return ajv.compile({ ...schema, $schema: 'https://json-schema.org/draft/2020-12/schema' });
}

/** Those of texts; one of numbers, or of a form that is not known, stays as it is. */
function boundedFormat(name: string, format: KnownFormat): KnownFormat {
  if (format instanceof RegExp) return boundedTest(`the format ${name}`, text => format.test(text));
  return typeof format === 'function' ? boundedTest(`the format ${name}`, format) : format;
}

/** JSON Schema of what callers give to the type, for `/task-types`; null where none can be told. */
export function inputSchemaOf(definition: TaskDefinition): JsonObject | null {
  const { input } = definition;
  if (input === undefined) return null;
  if (!isStandardSchema(input)) return JSON.parse(JSON.stringify(input)) as JsonObject;
  // Standard JSON Schema (standardschema.dev/json-schema); libraries without it check, but cannot show.
  const { jsonSchema } = input['~standard'] as { jsonSchema?: { input?: (options: { target: string }) => unknown } };
  try {
    return (jsonSchema?.input?.({ target: 'draft-2020-12' }) ?? null) as JsonObject | null;
  } catch {
    return null; // types that no JSON Schema can express
  }
}

function fieldError(error: ErrorObject): FieldError {
  const params = error.params as { missingProperty?: string; additionalProperty?: string; unevaluatedProperty?: string };
  const unknown = params.additionalProperty ?? params.unevaluatedProperty;
  const name = params.missingProperty ?? unknown;
  const pointer = `/kwargs${error.instancePath}${name === undefined ? '' : pointerTo(name)}`;
  if (params.missingProperty !== undefined) return { pointer, detail: 'is required', reason: 'required' };
  if (unknown !== undefined) {
    const known = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {});
    return { pointer, detail: unknownWords(unknown, known), reason: 'unknown_field' };
  }
  return { pointer, detail: inWords({ ...error, params }), reason: error.keyword };
}
