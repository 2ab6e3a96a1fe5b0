import { createHash } from 'node:crypto';

import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';

import { InterlockError, type FieldError } from '../../core/errors.js';
import { blockersOf, standings } from '../../core/line.js';
import { isFinal } from '../../core/state.js';
import type { NewTask, Task } from '../../core/task.js';
import { hrefOf, viewOf } from '../../core/task-view.js';
import { validationFailed } from '../../dispatch/schema-check.js';
import { prepare, type Origin } from '../../dispatch/submission.js';
import { PRINCIPAL, type ApiContext, type ApiServer } from '../context.js';
import { StandingSchema, SubmitSchema, TaskSchema, ref } from '../schemas.js';
import { readLines } from './lines.js';
import { afterWaiting, wishToWait } from './waiting.js';

const MAX_BATCH = 1_000;
const BATCH_BYTES = 16 * 1_048_576;

const KeyHeader = {
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[!-~]{1,255}$',
      description: 'The same key and body give the same task. 1 to 255 visible ASCII characters.',
    }),
  ),
};
const SubmitHeaders = Type.Object({
  ...KeyHeader,
  prefer: Type.Optional(Type.String({ description: '`wait=N` (seconds, at most 60): 200 when the task is final by then.' })),
});
const SubmitQuery = Type.Object(
  { dryRun: Type.Optional(Type.Boolean({ description: 'Checks everything and writes nothing.' })) },
  { additionalProperties: false },
);
const DryRun = Type.Object({
  resources: Type.Array(ref(StandingSchema)),
  blockedBy: Type.Array(Type.String(), { description: 'Ids of the tasks that it would have to wait for.' }),
  position: Type.Integer({ description: 'Its place in the longest of its lines; 1 = next.' }),
});
const Batch = Type.Object(
  { tasks: Type.Array(ref(SubmitSchema), { minItems: 1, maxItems: MAX_BATCH }) },
  { additionalProperties: false },
);

export function submitRoutes(app: ApiServer, context: ApiContext): void {
  const submit = {
    operationId: 'submitTask',
    summary: 'Submit a task',
    tags: ['tasks'],
    headers: SubmitHeaders,
    querystring: SubmitQuery,
    body: ref(SubmitSchema),
    response: { 200: Type.Union([ref(TaskSchema), DryRun]), 202: ref(TaskSchema) },
  };
  app.post('/tasks', { schema: submit }, async (request, reply) => {
    const seconds = wishToWait(context, request);
    const task = await prepared(context, request, request.body, {});
    if (request.query.dryRun === true) return dryRun(context, task);
    const { task: stored, replayed } = await context.acceptor.accept(task);
    if (replayed) reply.header('idempotency-replayed', 'true');
    const latest = await latestOf(context, stored, seconds, reply);
    reply.code(seconds !== undefined && isFinal(latest.state) ? 200 : 202).header('location', hrefOf(stored.id));
    return viewOf(latest);
  });

  const batch = {
    operationId: 'submitTasks',
    summary: 'Submit up to 1,000 tasks, all or none',
    tags: ['tasks'],
    headers: Type.Object(KeyHeader),
    body: Batch,
    response: { 202: Type.Object({ items: Type.Array(ref(TaskSchema)) }) },
  };
  app.post('/tasks/batch', { schema: batch, bodyLimit: BATCH_BYTES }, async (request, reply) => {
    const tasks = await preparedBatch(context, request, request.body.tasks);
    const { tasks: stored, replayed } = await context.acceptor.acceptAll(tasks);
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.code(202);
    return { items: stored.map(viewOf) };
  });
}

async function prepared(context: ApiContext, request: FastifyRequest, body: unknown, more: Partial<Origin>): Promise<NewTask> {
  const { types, runtime, serverTime } = context;
  const now = await serverTime.now();
  const key = request.headers['idempotency-key'];
  const origin = {
    principal: PRINCIPAL,
    correlationId: request.id,
    ...(typeof key === 'string' && { idempotencyKey: key }),
    ...more,
  };
  return prepare(body, origin, { types, now: () => now, newId: () => runtime.random.id(), hash: sha256 });
}

/** Every task of a batch has a key of its own, with a space in it: no client can have sent that one. */
async function preparedBatch(context: ApiContext, request: FastifyRequest, bodies: readonly unknown[]): Promise<NewTask[]> {
  const key = request.headers['idempotency-key'];
  const tasks: NewTask[] = [];
  const refused: { error: InterlockError; index: number }[] = [];
  for (const [index, body] of bodies.entries()) {
    const keyed =
      typeof key === 'string' ? { idempotencyKey: `${key} ${index}`, keyedBody: index === 0 ? bodies : [index, body] } : {};
    try {
      tasks.push(await prepared(context, request, body, keyed));
    } catch (error) {
      if (!(error instanceof InterlockError)) throw error;
      refused.push({ error, index });
    }
  }
  if (refused.length > 0) throw refusedBatch(refused);
  return tasks;
}

function refusedBatch(refused: readonly { error: InterlockError; index: number }[]): InterlockError {
  const errors = refused.flatMap(({ error, index }) =>
    error.errors.map((each): FieldError => ({ ...each, pointer: `/tasks/${index}${each.pointer}` })),
  );
  const same = validationFailed(errors);
  const [first] = refused;
  return new InterlockError(first?.error.code ?? 'VALIDATION_FAILED', same.message, { errors: same.errors });
}

async function dryRun(
  context: ApiContext,
  task: NewTask,
): Promise<{ resources: ReturnType<typeof standings>; blockedBy: string[]; position: number }> {
  const lineOf = await readLines(context.store.tasks, task);
  const resources = standings(task, Infinity, lineOf);
  return {
    resources,
    blockedBy: blockersOf(task, resources, lineOf),
    position: Math.max(1, ...resources.map(each => each.position ?? 1)),
  };
}

/** It is stored: whatever happens while it is waited for, the answer says so. */
async function latestOf(context: ApiContext, stored: Task, seconds: number | undefined, reply: FastifyReply): Promise<Task> {
  try {
    return (await afterWaiting(context, stored, seconds, reply)) ?? stored;
  } catch (error) {
    context.log.warn('Could not read a task that was submitted and waited for.', { err: error, taskId: stored.id });
    return stored;
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
