import { Type } from 'typebox';

import { hrefOf, viewOf } from '../../core/task-view.js';
import type { ApiContext, ApiServer } from '../context.js';
import { KeyHeader } from '../http/idempotency.js';
import { IdParams, TaskSchema, ref } from '../schemas.js';
import { found } from './one.js';
import { preparedRetry } from './prepared.js';
import { SUBMITTING } from './submit.js';

/** Once more what has failed or was canceled: a task of its own, which names the one that it repeats. */
export function retryRoute(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'retryTask',
    summary: 'Submit again what failed or was canceled',
    tags: ['tasks'],
    params: IdParams,
    headers: Type.Object(KeyHeader),
    body: Type.Object({}, { additionalProperties: false }),
    response: { 202: ref(TaskSchema) },
  };
  const config = { bodyOptional: true, problems: ['TASK_NOT_FINAL', ...SUBMITTING] as const };
  app.post('/tasks/:id/retry', { schema, config }, async (request, reply) => {
    const task = await found(context, request.params.id);
    const key = request.headers['idempotency-key'];
    const origin = { principal: request.principal, correlationId: request.id, idempotencyKey: key };
    const { task: stored, replayed, joined } = await context.acceptor.accept(await preparedRetry(context, task, origin));
    if (joined) reply.header('unique-conflict', 'returned');
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.code(202).header('location', hrefOf(stored.id));
    return viewOf(stored);
  });
}
