import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

import type { ApiServer } from '../../../src/api/context.js';
import type { Answer } from './fixture.js';

export interface Operation {
  operationId?: string;
  parameters?: { name: string; in: string }[];
  requestBody?: { content: Record<string, { schema: object }> };
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

/** A reader of the document that tells whether an answer is what it promises. */
export function answerCheck(document: OpenApiDocument): (method: string, path: string, answer: Answer) => string | undefined {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema({ $id: 'document', ...document });
  return (method, path, answer) => {
    const [template, operations] = Object.entries(document.paths).find(([each]) => patternOf(each).test(path)) ?? [];
    const operation = operations?.[method.toLowerCase()];
    if (template === undefined || !operation) return `${method} ${path} is not described`;
    const status = String(answer.status);
    const key = Object.hasOwn(operation.responses, status) ? status : 'default';
    const content = operation.responses[key]?.content;
    const empty = (answer.body as unknown) === undefined;
    if (!content) return empty ? undefined : `${status} has a body, but none is described`;
    const [mediaType = ''] = Object.keys(content);
    const place = ['paths', template, method.toLowerCase(), 'responses', key, 'content', mediaType, 'schema'];
    const check = ajv.compile({ $ref: `document#/${place.map(escape).join('/')}` });
    if (check(answer.body)) return undefined;
    return `${method} ${path} ${status}: ${ajv.errorsText(check.errors)}`;
  };
}

function patternOf(template: string): RegExp {
  return new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`);
}

function escape(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}
