import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';

import type { FieldError } from '../../core/errors.js';
import { pathOf } from '../../core/pointer.js';
import { schemaCheck, validationFailed, type Part } from '../../dispatch/schema-check.js';

interface PropertySchema {
  type?: unknown;
  items?: PropertySchema;
}

/**
 * Checks every part of a request against the schema that the OpenAPI document shows. Bodies are taken as they are; query parameters
 * are text, so they are read as what their schema says, and a list may be one parameter or many.
 */
export const checkRequests: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const part = PARTS[httpPart ?? 'body'] ?? 'header';
  const errorsIn = schemaCheck(schema, part);
  const properties = (schema as { properties?: Record<string, PropertySchema> }).properties ?? {};
  return (data: unknown) => {
    const value = part === 'query' ? readQuery(data as Record<string, unknown>, properties) : data;
    const errors = errorsIn(value);
    if (errors.length === 0) return { value };
    return { error: validationFailed(errors.map(error => placed(error, part))) };
  };
};

function readQuery(query: Record<string, unknown>, properties: Record<string, PropertySchema>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).map(([name, raw]) => {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      return [
        name,
        property?.type === 'array' ? [raw].flat().map(each => readText(each, property.items)) : readText(raw, property),
      ];
    }),
  );
}

/** What does not read as its type stays text, and the schema refuses it. */
function readText(raw: unknown, property: PropertySchema | undefined): unknown {
  if (typeof raw !== 'string') return raw;
  if (property?.type === 'boolean' && (raw === 'true' || raw === 'false')) return raw === 'true';
  const numeric = property?.type === 'integer' || property?.type === 'number';
  return numeric && /^-?\d{1,15}(\.\d{1,15})?$/.test(raw) ? Number(raw) : raw;
}

const PARTS: Readonly<Record<string, Part>> = { body: 'body', querystring: 'query' };

/** `?limit` for a query parameter, the bare name for a header. */
function placed(error: FieldError, part: Part): FieldError {
  if (part === 'body') return error;
  const [name = ''] = pathOf(error.pointer);
  return { ...error, pointer: part === 'query' ? `?${name}` : name };
}
