import swagger from '@fastify/swagger';

import { API_BASE } from '../core/task-view.js';
import type { ApiServer } from './context.js';
import { GroupSchema } from './groups.js';
import { PROBLEM_TYPE } from './http/problem.js';
import { LeaderSchema, WorkerSchema } from './processes.js';
import { ScheduleSchema } from './schedules.js';
import { ProblemSchema, SHARED_SCHEMAS, ref } from './schemas.js';
import { StatusSchema } from './status.js';
import { WorkflowSchema } from './workflows.js';

/** Describes every route that is registered after this, from the schemas that check and document it. */
export function describeRoutes(app: ApiServer, version: string): void {
  const own = [WorkerSchema, LeaderSchema, ScheduleSchema, StatusSchema, GroupSchema, WorkflowSchema];
  for (const schema of [...SHARED_SCHEMAS, ...own]) app.addSchema(schema);
  app.addHook('onRoute', route => {
    const { schema } = route;
    if (!schema?.operationId) return;
    const [mediaType = ''] = PROBLEM_TYPE.split(';');
    const problem = { description: 'What went wrong', content: { [mediaType]: { schema: ref(ProblemSchema) } } };
    // A route without parameters of its own refuses every one.
    const none = { type: 'object', properties: {}, additionalProperties: false };
    route.schema = { querystring: none, ...schema, response: { ...(schema.response as object | undefined), default: problem } };
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
    },
    refResolver: { buildLocalReference: ({ $id }, _base, _fragment, n) => (typeof $id === 'string' ? $id : `def-${n}`) },
  });
}

export function openapiRoute(app: ApiServer): void {
  app.get(`${API_BASE}/openapi.json`, { schema: { hide: true } }, () => app.swagger());
}
