import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

import type { ApiServer } from '../../../src/api/context.js';

export interface Operation {
  operationId?: string;
  parameters?: { name: string; in: string }[];
  requestBody?: { required?: boolean; content: Record<string, { schema: object }> };
  security?: object[];
  responses: Record<string, { description?: string; content?: Record<string, { schema: object }> }>;
}

export interface OpenApiDocument {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

export function documentOf(app: ApiServer): OpenApiDocument {
  return app.swagger() as unknown as OpenApiDocument;
}

/** An answer as it came. */
export interface Served {
  status: number;
  /** As its header says it. */
  contentType: string | undefined;
  /** Of JSON the value; undefined without a body. */
  body: unknown;
}

export type AnswerCheck = (method: string, path: string, answer: Served) => string | undefined;

/**
 * A reader of the document that tells what of an answer it does not promise: its status, its type, its body. What no operation answers is only held to be a
 * problem: a path or a method that is not there.
 */
export function answerCheck(document: OpenApiDocument): AnswerCheck {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema({ $id: 'document', ...document });
  const known = new Map<string, ValidateFunction>();
  const compiled = (pointer: string): ValidateFunction => {
    const check = known.get(pointer) ?? ajv.compile({ $ref: `document#/${pointer}` });
    known.set(pointer, check);
    return check;
  };
  return (method, path, { status, contentType, body }) => {
    const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
    const told = `${method} ${path} ${status}`;
    const found = placeOf(document, path, verb);
    if (!found) {
      const refused = status === 404 || status === 405 || status === 400;
      return refused && compiled('components/schemas/Problem')(body) ? undefined : `${told} is not described`;
    }
    const response = found.operation.responses[status];
    if (!response) return `${told}: this status is not described`;
    const { content } = response;
    const empty = body === undefined || method === 'HEAD';
    if (!content) return empty ? undefined : `${told} has a body, but none is described`;
    const mediaType = contentType?.split(';')[0] ?? '';
    if (!Object.hasOwn(content, mediaType)) return `${told} is ${mediaType}, which is not described`;
    if (empty) return method === 'HEAD' ? undefined : `${told} has no body`;
    const place = ['paths', found.template, verb, 'responses', String(status), 'content', mediaType, 'schema'];
    const check = compiled(place.map(escape).join('/'));
    return check(body) ? undefined : `${told}: ${ajv.errorsText(check.errors)}`;
  };
}

/** A path without parameters comes first, as in the router. */
function placeOf({ paths }: OpenApiDocument, path: string, verb: string): { template: string; operation: Operation } | undefined {
  const templates = Object.keys(paths).filter(each => patternOf(each).test(path) && Object.hasOwn(paths[each] ?? {}, verb));
  const template = templates.find(each => each === path) ?? templates[0];
  const operation = template === undefined ? undefined : paths[template]?.[verb];
  return template !== undefined && operation ? { template, operation } : undefined;
}

function patternOf(template: string): RegExp {
  return new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`);
}

function escape(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}
