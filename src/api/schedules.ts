import { Type, type Static } from 'typebox';

import { InterlockError, MissingResource, invalid } from '../core/errors.js';
import type { JsonObject } from '../core/json.js';
import { slotAfter, type IntervalRule, type Misfire, type Schedule } from '../core/schedule.js';
import { API_BASE } from '../core/task-view.js';
import { secondsOf, timeOf } from '../dispatch/moment.js';
import { prepare } from '../dispatch/submission.js';
import type { SubmitBody } from '../core/submit-body.js';
import { PRINCIPAL, type ApiContext, type ApiServer } from './context.js';
import { IdParams, SubmitSchema, Time, listOf, nothing, orNull, ref, wholeList } from './schemas.js';

const MAX_LISTED = 1_000;
const tags = ['schedules'];

const misfire = Type.Unsafe<Misfire>({
  type: 'string',
  enum: ['one', 'all', 'skip'],
  description: 'Slots that passed while no beat was up: the last one, each of them, or none.',
});
const ScheduleBody = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,100}$' }),
    task: ref(SubmitSchema),
    interval: Type.Unsafe<number | string>({
      type: ['number', 'string'],
      maxLength: 64,
      description: 'Seconds, at least 1, or an ISO 8601 duration as PT30S.',
    }),
    anchor: Type.Optional(
      Type.String({ format: 'date-time', description: 'Slots lie on anchor + n × interval; at once without one.' }),
    ),
    misfire: Type.Optional(misfire),
  },
  { additionalProperties: false },
);
type ScheduleBody = Static<typeof ScheduleBody>;

const ScheduleSchema = Type.Object(
  {
    id: Type.String(),
    href: Type.String(),
    name: Type.String(),
    task: Type.Unsafe<JsonObject>({ type: 'object' }),
    interval: Type.Number({ description: 'Seconds.' }),
    anchor: Time,
    misfire,
    nextAt: Time,
    lastTask: orNull(Type.Object({ id: Type.String(), slot: Time })),
    createdAt: Time,
  },
  { $id: 'Schedule', additionalProperties: false },
);

export function scheduleRoutes(app: ApiServer, context: ApiContext): void {
  const { schedules } = context.store;
  createRoute(app, context);

  const listing = { operationId: 'listSchedules', summary: 'Schedules', tags, response: { 200: listOf(ref(ScheduleSchema)) } };
  app.get('/schedules', { schema: listing }, async () => wholeList((await schedules.list(MAX_LISTED)).map(viewOf)));

  const reading = {
    operationId: 'getSchedule',
    summary: 'One schedule',
    tags,
    params: IdParams,
    response: { 200: ref(ScheduleSchema) },
  };
  app.get('/schedules/:id', { schema: reading }, async request => {
    const schedule = await schedules.get(request.params.id);
    if (!schedule) throw missing(request.params.id);
    return viewOf(schedule);
  });

  const deleting = {
    operationId: 'deleteSchedule',
    summary: 'End a schedule; its tasks stay',
    tags,
    params: IdParams,
    response: { 204: nothing('It is gone.') },
  };
  app.delete('/schedules/:id', { schema: deleting }, async (request, reply) => {
    if (!(await schedules.remove(request.params.id))) throw missing(request.params.id);
    return reply.code(204).send();
  });
}

function createRoute(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'createSchedule',
    summary: 'Submit a task again and again',
    tags,
    body: ScheduleBody,
    response: { 201: ref(ScheduleSchema) },
  };
  app.post('/schedules', { schema }, async (request, reply) => {
    const { store, runtime } = context;
    const now = await store.schedules.now();
    const wish = { ...(await scheduleOf(context, request.body, now)), id: runtime.random.id() };
    const stored = await store.schedules.create(wish);
    if (!stored) throw new InterlockError('CONFLICT', `There is a schedule called "${wish.name}" already.`);
    reply.code(201).header('location', hrefOf(stored.id));
    return viewOf(stored);
  });
}

/** Without an anchor the first slot is now: it is due with the next look of the beat. */
async function scheduleOf(context: ApiContext, body: ScheduleBody, now: Date): Promise<Omit<Schedule, 'id' | 'createdAt'>> {
  const { name, task, misfire: policy = 'one' } = body;
  const seconds = secondsOf(body.interval, '/interval');
  if (seconds < 1) throw invalid('/interval', 'must be at least one second', 'number_range');
  const anchor = body.anchor === undefined ? now : timeOf(body.anchor, now, '/anchor');
  const rule: IntervalRule = { kind: 'interval', intervalMs: Math.round(seconds * 1_000), anchor };
  await checkTask(context, task, now);
  return {
    name,
    task: task as unknown as JsonObject,
    rule,
    misfire: policy,
    nextAt: body.anchor === undefined ? now : slotAfter(rule, now),
  };
}

/** What would be refused at every slot is refused now. */
async function checkTask({ types, runtime }: ApiContext, task: SubmitBody, now: Date): Promise<void> {
  if (task.eta !== undefined)
    throw invalid('/task/eta', 'a schedule gives the times itself: use countdown for a delay after each', 'not_allowed');
  for (const field of ['countdown', 'expires'] as const) {
    if (task[field] !== undefined) secondsOf(task[field], `/task/${field}`);
  }
  const deps = { types, now: () => now, newId: () => runtime.random.id(), hash: (text: string) => text };
  try {
    await prepare(task, { principal: PRINCIPAL, correlationId: '' }, deps);
  } catch (error) {
    if (!(error instanceof InterlockError)) throw error;
    const errors = error.errors.map(each => ({ ...each, pointer: `/task${each.pointer}` }));
    throw new InterlockError(error.code, `The task of the schedule is refused: ${error.message}`, { errors });
  }
}

function viewOf({ id, name, task, rule, misfire: policy, nextAt, lastTask, createdAt }: Schedule): Static<typeof ScheduleSchema> {
  return {
    id,
    href: hrefOf(id),
    name,
    task,
    interval: rule.intervalMs / 1_000,
    anchor: rule.anchor.toISOString(),
    misfire: policy,
    nextAt: nextAt.toISOString(),
    lastTask: lastTask ? { id: lastTask.id, slot: lastTask.slot.toISOString() } : null,
    createdAt: createdAt.toISOString(),
  };
}

function hrefOf(id: string): string {
  return `${API_BASE}/schedules/${id}`;
}

function missing(id: string): MissingResource {
  return new MissingResource(`Schedule ${id.slice(0, 100)}`);
}

export { ScheduleSchema };
