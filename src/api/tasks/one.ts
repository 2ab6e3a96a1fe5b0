import { Type } from 'typebox';

import { InterlockError, MissingResource } from '../../core/errors.js';
import { explain } from '../../core/explain.js';
import type { Task } from '../../core/task.js';
import { hrefOf, viewOf } from '../../core/task-view.js';
import type { ApiContext, ApiServer } from '../context.js';
import { NoneMatch, unlessKnown } from '../http/etag.js';
import { readRoster } from '../roster.js';
import { ExplanationSchema, IdParams, PreferHeader, TaskSchema, nothing, ref } from '../schemas.js';
import { readLines, readRate } from '../../dispatch/lines.js';
import { afterWaiting, wishToWait } from './waiting.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const tags = ['tasks'];

export function oneTaskRoutes(app: ApiServer, context: ApiContext): void {
  readRoute(app, context);
  endRoutes(app, context);

  const explaining = {
    operationId: 'explainTask',
    summary: 'Why a task is where it is',
    tags,
    params: IdParams,
    response: { 200: ref(ExplanationSchema) },
  };
  app.get('/tasks/:id/explain', { schema: explaining }, async request => {
    const { store, serverTime } = context;
    const task = await found(context, request.params.id);
    const [lines, roster, now, [problem], rate, before] = await Promise.all([
      readLines(store, task),
      readRoster(store, { types: true }),
      serverTime.now(),
      store.problems(),
      readRate(store, task, task.seq),
      task.waitingFor === 'dependencies' ? store.joins.states((task.after ?? []).map(({ id }) => id)) : undefined,
    ]);
    return explain({ task, lines, now, problem, rate, before, ...roster.facts() });
  });
}

function readRoute(app: ApiServer, context: ApiContext): void {
  const headers = Type.Object({ ...PreferHeader.properties, ...NoneMatch });
  const schema = {
    operationId: 'getTask',
    summary: 'Read a task',
    tags,
    params: IdParams,
    headers,
    response: { 200: ref(TaskSchema), 304: nothing('The task is still as the given ETag says.') },
  };
  app.get('/tasks/:id', { schema, config: { problems: ['OVERLOADED'] } }, async (request, reply) => {
    const seconds = wishToWait(context, request);
    const task = await afterWaiting(context, await found(context, request.params.id), seconds, reply);
    if (!task) throw missing(request.params.id);
    return unlessKnown(request, reply, viewOf(task));
  });
}

function endRoutes(app: ApiServer, context: ApiContext): void {
  const canceling = {
    operationId: 'cancelTask',
    summary: 'Cancel a task, and with `tree` all that it spawned',
    tags,
    params: IdParams,
    querystring: Type.Object(
      { tree: Type.Optional(Type.Boolean({ description: 'Also its descendants, whether it has ended or not.' })) },
      { additionalProperties: false },
    ),
    body: Type.Object({}, { additionalProperties: false }),
    response: { 202: ref(TaskSchema) },
  };
  app.post(
    '/tasks/:id/cancel',
    { schema: canceling, config: { bodyOptional: true, problems: ['TASK_FINAL'] } },
    async (request, reply) => {
      const cancel = request.query.tree === true ? context.cancelTree : context.cancel;
      const task = await cancel(idOf(request.params.id), request.principal);
      reply.code(202).header('location', hrefOf(task.id));
      return viewOf(task);
    },
  );

  const deleting = {
    operationId: 'deleteTask',
    summary: 'Delete a task that has ended',
    tags,
    params: IdParams,
    response: { 204: nothing('It is gone.') },
  };
  app.delete('/tasks/:id', { schema: deleting, config: { problems: ['TASK_NOT_FINAL'] } }, async (request, reply) => {
    const { id } = request.params;
    const verdict = await context.store.tasks.remove(idOf(id));
    if (verdict === 'missing') throw missing(id);
    if (verdict === 'not-final') throw new InterlockError('TASK_NOT_FINAL', `Task ${id} has not ended yet: cancel it first.`);
    return reply.code(204).send();
  });
}

/** The task of a path. Throws MissingResource. */
export async function found(context: Pick<ApiContext, 'store'>, id: string): Promise<Task> {
  const task = await context.store.tasks.get(idOf(id));
  if (!task) throw missing(id);
  return task;
}

/** What is no UUID names no task; the database is not asked. */
function idOf(id: string): string {
  const canonical = id.toLowerCase();
  if (!UUID.test(canonical)) throw missing(id);
  return canonical;
}

function missing(id: string): MissingResource {
  return new MissingResource(`Task ${id.slice(0, 100)}`);
}
