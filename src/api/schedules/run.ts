import { Type } from 'typebox';

import type { JsonObject } from '../../core/json.js';
import type { Schedule } from '../../core/schedule.js';
import { hrefOf, viewOf } from '../../core/task-view.js';
import { MAX_TAGS } from '../../dispatch/submit-schema.js';
import type { ApiContext, ApiServer } from '../context.js';
import { KeyHeader } from '../http/idempotency.js';
import { IdParams, TaskSchema, ref } from '../schemas.js';
import { prepared } from '../tasks/prepared.js';
import { SUBMITTING } from '../tasks/submit.js';
import { found } from './found.js';

/** A task as the slots make it, now; it is no slot, so neither `overlap`, `remainingRuns` nor a pause says anything of it. */
export function runRoute(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'runSchedule',
    summary: 'Submit its task now, beside its slots',
    tags: ['schedules'],
    params: IdParams,
    headers: Type.Object(KeyHeader),
    body: Type.Object({}, { additionalProperties: false }),
    response: { 202: ref(TaskSchema) },
  };
  app.post('/schedules/:id/run', { schema, config: { bodyOptional: true, problems: SUBMITTING } }, async (request, reply) => {
    const schedule = await found(context, request.params.id);
    const { task, replayed, joined } = await context.acceptor.accept(await prepared(context, request, bodyOf(schedule)));
    if (joined) reply.header('unique-conflict', 'returned');
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.code(202).header('location', hrefOf(task.id));
    return viewOf(task);
  });
}

/** The tag is how to find these tasks; where the body has all the tags that a task may have, it stays as it is. */
function bodyOf({ name, task }: Schedule): JsonObject {
  const tags = Array.isArray(task.tags) ? task.tags : [];
  return tags.length < MAX_TAGS ? { ...task, tags: [...tags, `schedule:${name}`.slice(0, 100)] } : task;
}
