import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

import type { FieldError } from '../core/errors.js';
import type { JsonObject } from '../core/json.js';
import { pointerTo } from '../core/pointer.js';
import { isStandardSchema, type TaskDefinition } from './definition.js';

const validators = new WeakMap<object, ValidateFunction>();

/** Nothing is coerced or filled in: what is stored is what was given. Throws when the schema is none. */
export function compile(schema: object): ValidateFunction {
  const known = validators.get(schema);
  if (known) return known;
  // A registry of its own for each, so that two types may use the same `$id`; any draft is read as 2020-12.
  const ajv = new Ajv2020({ strict: false, allErrors: true, coerceTypes: false });
  formats.default(ajv);
  const validator = ajv.compile({ ...schema, $schema: 'https://json-schema.org/draft/2020-12/schema' });
  validators.set(schema, validator);
  return validator;
}

/** Empty when the kwargs fit. */
export function schemaErrors(schema: object, kwargs: JsonObject): FieldError[] {
  const validate = compile(schema);
  if (validate(kwargs)) return [];
  return (validate.errors ?? []).map(fieldError);
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
  if (unknown !== undefined) return { pointer, detail: 'is not a known field', reason: 'unknown_field' };
  return { pointer, detail: error.message ?? 'is not valid', reason: error.keyword };
}
