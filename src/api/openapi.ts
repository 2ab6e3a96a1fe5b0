import swagger from '@fastify/swagger';
import type { RouteOptions } from 'fastify';

import { ERROR_STATUS, type ErrorCode } from '../core/errors.js';
import { API_BASE } from '../core/task-view.js';
import type { Access } from './access/operations.js';
import type { ApiServer } from './context.js';
import { EventSchema } from './events/events.js';
import { GroupSchema } from './groups.js';
import { PROBLEM_TYPE, titleOf } from './http/problem.js';
import { MaintenanceNoteSchema, MaintenanceSchema } from './maintenance.js';
import { LeaderSchema } from './processes.js';
import { ScheduleSchema } from './schedules/schedules.js';
import { ProblemSchema, SHARED_SCHEMAS, ref } from './schemas.js';
import { StatusSchema } from './status.js';
import { AnswersSchema, WorkerDetailSchema, WorkerSchema } from './workers/schemas.js';
import { TokenSchema, NewTokenSchema } from './tokens/view.js';
import { TrailEntrySchema } from './trail.js';
import { WorkflowSchema } from './workflows.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How else it may go wrong: beside what `problemsOf` finds by itself. */
    problems?: readonly ErrorCode[];
  }
}

/** Whatever the route: parameters nobody knows, a page of another origin, a bug, no database. */
const EVERYWHERE: readonly ErrorCode[] = ['VALIDATION_FAILED', 'FORBIDDEN', 'INTERNAL_ERROR', 'STORE_UNAVAILABLE'];
/** Below the base: there may be too much of anything. */
const LIMITED: readonly ErrorCode[] = ['RATE_LIMITED', 'OVERLOADED'];
/** Of what may have a body. */
const CHANGING: readonly ErrorCode[] = ['BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];

const BEARER =
  'A token of `POST /tokens`. What stands beside it is the role that an operation needs: `read`, `submit`, `operate` or `admin`, each of which includes those before it. None is needed as long as there is no token and the API listens on a loopback address.';

/** Describes every route that is registered after this, from the schemas that check and document it. */
export function describeRoutes(app: ApiServer, version: string): void {
  const workers = [WorkerSchema, WorkerDetailSchema, AnswersSchema];
  const maintenance = [MaintenanceNoteSchema, MaintenanceSchema];
  const own = [...workers, LeaderSchema, ScheduleSchema, StatusSchema, GroupSchema, WorkflowSchema, EventSchema, ...maintenance];
  const access = [TokenSchema, NewTokenSchema, TrailEntrySchema];
  for (const schema of [...SHARED_SCHEMAS, ...own, ...access]) app.addSchema(schema);
  const bodyOptional = new Set<string>();
  app.addHook('onRoute', route => {
    const { schema } = route;
    if (!schema?.operationId) return;
    if (route.config?.bodyOptional === true) bodyOptional.add(schema.operationId);
    // A route without parameters of its own refuses every one.
    const none = { type: 'object', properties: {}, additionalProperties: false };
    const response = { ...answersTo(problemsOf(route)), ...(schema.response as object | undefined) };
    route.schema = { querystring: none, ...schema, response };
  });
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Interlock',
        description: 'Tasks that must not collide.',
        version,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: BEARER } } },
    },
    refResolver: { buildLocalReference: ({ $id }, _base, _fragment, n) => (typeof $id === 'string' ? $id : `def-${n}`) },
    transformObject: document => mended(('openapiObject' in document ? document.openapiObject : {}) as Described, bodyOptional),
  });
}

function problemsOf({ url, method, config }: RouteOptions): ErrorCode[] {
  const reads = [method].flat().every(each => each === 'GET' || each === 'HEAD');
  const named: ErrorCode[] = /[:*]/.test(url) ? ['MISSING_RESOURCE'] : [];
  const limited = url.startsWith(`${API_BASE}/`) ? LIMITED : [];
  const changing = reads ? [] : CHANGING;
  return [...EVERYWHERE, ...tokenProblems(config?.access), ...limited, ...changing, ...named, ...(config?.problems ?? [])];
}

function tokenProblems(access: Access = 'admin'): ErrorCode[] {
  return access === 'anyone' ? [] : ['UNAUTHORIZED'];
}

function answersTo(problems: readonly ErrorCode[]): Record<string, object> {
  const [mediaType = ''] = PROBLEM_TYPE.split(';');
  const content = { [mediaType]: { schema: ref(ProblemSchema) } };
  const titles = new Map<number, string[]>();
  for (const code of new Set(problems))
    titles.set(ERROR_STATUS[code], [...(titles.get(ERROR_STATUS[code]) ?? []), titleOf(code)]);
  return {
    ...Object.fromEntries([...titles].map(([status, some]) => [status, { description: some.join('; '), content }])),
    431: { description: 'The header, with the address, is larger than 16 KiB', content },
  };
}

interface Described {
  paths?: Record<string, Record<string, { operationId?: string; parameters?: { name: string }[]; requestBody?: object }>>;
}

/** What the generator cannot say: that a body may be left out, and what the rest of a path is called. */
function mended(document: Described, bodyOptional: ReadonlySet<string>): object {
  const paths = Object.entries(document.paths ?? {}).map(([path, operations]) => {
    for (const operation of Object.values(operations)) {
      if (operation.requestBody && bodyOptional.has(operation.operationId ?? ''))
        operation.requestBody = { ...operation.requestBody, required: false };
      for (const parameter of operation.parameters ?? []) if (parameter.name === '*') parameter.name = 'path';
    }
    return [path.replace('{*}', '{path}'), operations];
  });
  return { ...document, paths: Object.fromEntries(paths) as object };
}

export function openapiRoute(app: ApiServer): void {
  const schema = {
    operationId: 'getOpenApi',
    summary: 'This document',
    tags: ['status'],
    response: { 200: { type: 'object', description: 'OpenAPI 3.1.', additionalProperties: true } },
  };
  app.get(`${API_BASE}/openapi.json`, { schema }, () => app.swagger());
}
