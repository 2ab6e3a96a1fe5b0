import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';

import type { ErrorCode } from '../../core/errors.js';
import { blockerIds, judge, type Standing } from '../../core/line.js';
import { turnOf, type Turn } from '../../core/turn.js';
import { isFinal } from '../../core/state.js';
import type { NewTask, Task } from '../../core/task.js';
import { hrefOf, viewOf } from '../../core/task-view.js';
import type { ApiContext, ApiServer } from '../context.js';
import { KeyHeader } from '../http/idempotency.js';
import { StandingSchema, SubmitSchema, TaskSchema, TurnSchema, orNull, ref } from '../schemas.js';
import { readLines, readRate } from '../../dispatch/lines.js';
import { prepared, preparedAll } from './prepared.js';
import { afterWaiting, wishToWait } from './waiting.js';

const MAX_BATCH = 1_000;
/** Of everything that accepts tasks. */
export const SUBMITTING = [
  'CONFLICT',
  'IDEMPOTENCY_KEY_REUSED',
  'UNKNOWN_TASK_TYPE',
  'OVERLOADED',
] as const satisfies readonly ErrorCode[];
const BATCH_BYTES = 16 * 1_048_576;

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
  rate: orNull(ref(TurnSchema)),
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
  app.post('/tasks', { schema: submit, config: { problems: SUBMITTING } }, async (request, reply) => {
    const seconds = wishToWait(context, request);
    const task = await prepared(context, request, request.body);
    if (request.query.dryRun === true) return dryRun(context, task);
    const { task: stored, replayed, joined } = await context.acceptor.accept(task);
    if (joined) reply.header('unique-conflict', 'returned');
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
  app.post(
    '/tasks/batch',
    { schema: batch, bodyLimit: BATCH_BYTES, config: { problems: SUBMITTING } },
    async (request, reply) => {
      const bodies = request.body.tasks;
      const wishes = bodies.map((body, index) => ({
        ...{ body, pointer: `/tasks/${index}` },
        keyedBody: index === 0 ? bodies : [index, body],
      }));
      const tasks = await preparedAll(context, request, wishes);
      const { tasks: stored, replayed } = await context.acceptor.acceptAll(tasks);
      if (replayed) reply.header('idempotency-replayed', 'true');
      reply.code(202);
      return { items: stored.map(viewOf) };
    },
  );
}

async function dryRun(
  context: ApiContext,
  task: NewTask,
): Promise<{ resources: Standing[]; blockedBy: string[]; position: number; rate: Turn | null }> {
  const { store, serverTime } = context;
  const [lines, facts, now] = await Promise.all([readLines(store, task), readRate(store, task), serverTime.now()]);
  const judged = judge(task, Infinity, lines);
  const resources = judged.map(({ standing }) => standing);
  return {
    resources,
    blockedBy: blockerIds(judged),
    position: Math.max(1, ...resources.map(each => each.position ?? 1)),
    rate: task.rate && facts ? turnOf(task.rate, Infinity, facts, now) : null,
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
