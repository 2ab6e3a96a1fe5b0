import { Type } from 'typebox';

import { API_BASE } from '../../core/task-view.js';
import { SCHEDULE_BODY, SCHEDULE_CHANGE } from '../../dispatch/schedule-schema.js';
import { changedSchedule, scheduleOf, type ScheduleBody, type ScheduleChange } from '../../dispatch/scheduling.js';
import type { ApiContext, ApiServer } from '../context.js';
import { pageOf } from '../http/paging.js';
import { IdParams, listOf, nothing, ref } from '../schemas.js';
import { change, found, removeFound, submission, taken } from './found.js';
import { previewRoute } from './preview.js';
import { runRoute } from './run.js';
import { stateRoutes } from './states.js';
import { IfMatch, ScheduleSchema, answer, hrefOf, viewOf } from './view.js';

const MAX_LISTED = 1_000;
const tags = ['schedules'];

const Body = Type.Unsafe<ScheduleBody>(SCHEDULE_BODY);
const Change = Type.Unsafe<ScheduleChange>(SCHEDULE_CHANGE);
const Page = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LISTED, description: 'At most 1,000, and so without it.' })),
    after: Type.Optional(Type.String({ maxLength: 64, description: 'The id of the last one of the page before.' })),
  },
  { additionalProperties: false },
);
export function scheduleRoutes(app: ApiServer, context: ApiContext): void {
  createRoute(app, context);
  readRoutes(app, context);
  changeRoutes(app, context);
  stateRoutes(app, context);
  runRoute(app, context);
  previewRoute(app, context);
}

function createRoute(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'createSchedule',
    summary: 'Submit a task again and again',
    tags,
    body: Body,
    response: { 201: ref(ScheduleSchema) },
  };
  app.post('/schedules', { schema, config: { problems: ['CONFLICT', 'UNKNOWN_TASK_TYPE'] } }, async (request, reply) => {
    const { schedules } = context.store;
    const wish = await scheduleOf(request.body, request.principal, submission(context, await schedules.now()));
    const stored = await schedules.create(wish);
    if (!stored) throw taken(wish.name);
    reply.code(201).header('location', hrefOf(stored.id));
    return answer(reply, stored);
  });
}

function readRoutes(app: ApiServer, context: ApiContext): void {
  const listing = {
    operationId: 'listSchedules',
    summary: 'Schedules',
    tags,
    querystring: Page,
    response: { 200: listOf(ref(ScheduleSchema)) },
  };
  app.get('/schedules', { schema: listing }, async request => {
    const { limit = MAX_LISTED, after } = request.query;
    const read = await context.store.schedules.list(limit + 1, after);
    const page = pageOf(read, limit, ({ id }) => `${API_BASE}/schedules?limit=${limit}&after=${encodeURIComponent(id)}`);
    return { ...page, items: page.items.map(viewOf) };
  });

  const reading = {
    operationId: 'getSchedule',
    summary: 'One schedule',
    tags,
    params: IdParams,
    response: { 200: ref(ScheduleSchema) },
  };
  app.get('/schedules/:id', { schema: reading }, async (request, reply) =>
    answer(reply, await found(context, request.params.id)),
  );
}

function changeRoutes(app: ApiServer, context: ApiContext): void {
  const changing = {
    operationId: 'updateSchedule',
    summary: 'Change what is given; the next slot is never one of the past',
    tags,
    params: IdParams,
    headers: IfMatch,
    body: Change,
    response: { 200: ref(ScheduleSchema) },
  };
  const problems = ['CONFLICT', 'PRECONDITION_FAILED', 'UNKNOWN_TASK_TYPE', 'OVERLOADED'] as const;
  app.patch('/schedules/:id', { schema: changing, config: { problems } }, async (request, reply) => {
    const which = { id: request.params.id, ifMatch: request.headers['if-match'] };
    const changed = await change(context, which, (schedule, now) =>
      changedSchedule(schedule, request.body, request.principal, submission(context, now)),
    );
    return answer(reply, changed);
  });

  const deleting = {
    operationId: 'deleteSchedule',
    summary: 'End a schedule; its tasks stay',
    tags,
    params: IdParams,
    headers: IfMatch,
    response: { 204: nothing('It is gone.') },
  };
  app.delete(
    '/schedules/:id',
    { schema: deleting, config: { problems: ['PRECONDITION_FAILED', 'OVERLOADED'] } },
    async (request, reply) => {
      await removeFound(context, request.params.id, request.headers['if-match']);
      return reply.code(204).send();
    },
  );
}

export { ScheduleSchema };
