import { Type } from 'typebox';

import { InterlockError } from '../../core/errors.js';
import { claimsOf } from '../../core/reservation.js';
import { meetings, nextSlots, rivalsOf, type Plan } from '../../core/preview.js';
import { stateOf, upcoming, type Schedule } from '../../core/schedule.js';
import { localTime, zoneOf } from '../../core/zone.js';
import { taskOf } from '../../dispatch/scheduling.js';
import type { ApiContext, ApiServer } from '../context.js';
import { IdParams, Time } from '../schemas.js';
import { found, submission } from './found.js';

/** So many other schedules are compared; beyond them the answer says that it is not complete. */
const MAX_COMPARED = 1_000;
const DEFAULT_COUNT = 5;
const DEFAULT_WITHIN = 60;

const Query = Type.Object(
  {
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, description: `Slots; ${DEFAULT_COUNT} without it.` })),
    within: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 3_600,
        description: `Seconds on either side that count as meeting; ${DEFAULT_WITHIN}.`,
      }),
    ),
  },
  { additionalProperties: false },
);
const Conflict = Type.Object(
  {
    schedule: Type.Object({ id: Type.String(), name: Type.String() }, { additionalProperties: false }),
    slot: Time,
    resources: Type.Array(Type.String(), { description: 'Wanted by both, by one of them alone.' }),
  },
  { additionalProperties: false },
);
const Preview = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          slot: Time,
          local: Type.String({ description: 'The same with the clock of its time zone.' }),
          conflicts: Type.Array(Conflict),
        },
        { additionalProperties: false },
      ),
    ),
    timezone: Type.String(),
    complete: Type.Boolean({ description: `False: more than ${MAX_COMPARED} other schedules, of which some were not compared.` }),
  },
  { additionalProperties: false },
);

export function previewRoute(app: ApiServer, context: ApiContext): void {
  const schema = {
    operationId: 'previewSchedule',
    summary: 'Its next slots, and which other schedules want the same resources then',
    tags: ['schedules'],
    params: IdParams,
    querystring: Query,
    response: { 200: Preview },
  };
  app.get('/schedules/:id/next', { schema }, async request => {
    const { count = DEFAULT_COUNT, within = DEFAULT_WITHIN } = request.query;
    const schedule = await found(context, request.params.id);
    const now = await context.serverTime.now();
    const slots = slotsOf(schedule, now, count);
    const { rivals, complete } = await rivalsNow(context, schedule, now);
    const timezone = schedule.rule.kind === 'cron' ? schedule.rule.timezone : 'UTC';
    const zone = zoneOf(timezone);
    const items = slots.map(slot => ({
      slot: slot.toISOString(),
      local: zone ? localTime(zone, slot.getTime()) : slot.toISOString(),
      conflicts: meetings(slot, rivals, within * 1_000).map(each => ({ ...each, slot: each.slot.toISOString() })),
    }));
    return { items, timezone, complete };
  });
}

/** None of a paused one; of one with an end, no more than are left. */
function slotsOf(schedule: Schedule, now: Date, count: number): Date[] {
  const { pending, remainingRuns = Infinity, paused } = schedule;
  if (paused) return [];
  const waiting = pending?.slots.slice(0, count) ?? [];
  const next = pending ? pending.then : upcoming(schedule);
  const room = Math.min(count - waiting.length, remainingRuns);
  if (!next || room <= 0) return waiting;
  const first = next > now ? new Date(next.getTime() - 1) : now;
  const due = next > now ? [] : [next];
  return [...waiting, ...[...due, ...nextSlots(schedule.rule, first, room)].slice(0, room)];
}

async function rivalsNow(
  context: ApiContext,
  schedule: Schedule,
  now: Date,
): Promise<{ rivals: ReturnType<typeof rivalsOf>; complete: boolean }> {
  const own = await planOf(context, schedule, now);
  if (!own || claimsOf(own).length === 0) return { rivals: [], complete: true };
  const all = await context.store.schedules.list(MAX_COMPARED + 1);
  const others: Plan[] = [];
  for (const other of all.slice(0, MAX_COMPARED)) {
    if (other.id === schedule.id || stateOf(other) !== 'active') continue;
    const plan = await planOf(context, other, now);
    if (plan) others.push(plan);
  }
  return { rivals: rivalsOf(own, others), complete: all.length <= MAX_COMPARED };
}

/** Undefined: its task would be refused now, as its type is unknown here or has changed. */
async function planOf(context: ApiContext, schedule: Schedule, now: Date): Promise<Plan | undefined> {
  try {
    const { exclusive, shared, counted = [] } = await taskOf(schedule, submission(context, now));
    return { id: schedule.id, name: schedule.name, rule: schedule.rule, exclusive, shared, counted };
  } catch (error) {
    if (error instanceof InterlockError) return undefined;
    throw error;
  }
}
