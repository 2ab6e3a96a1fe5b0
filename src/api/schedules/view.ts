import type { FastifyReply } from 'fastify';
import { Type, type Static } from 'typebox';

import type { JsonObject } from '../../core/json.js';
import { stateOf, upcoming, type Misfire, type Overlap, type Schedule, type ScheduleState } from '../../core/schedule.js';
import type { Rule } from '../../core/schedule-rule.js';
import { API_BASE } from '../../core/task-view.js';
import { SCHEDULE_BODY } from '../../dispatch/schedule-schema.js';
import { Time, orNull } from '../schemas.js';

const { misfire, overlap } = SCHEDULE_BODY.properties;
const closed = { additionalProperties: false } as const;
const count = (description: string) => orNull(Type.Integer({ description }));

export const ScheduleSchema = Type.Object(
  {
    id: Type.String(),
    href: Type.String(),
    name: Type.String(),
    task: Type.Unsafe<JsonObject>({ type: 'object' }),
    state: Type.Unsafe<ScheduleState>({
      type: 'string',
      enum: ['active', 'paused', 'ended'],
      description: 'Ended: no slot is to come.',
    }),
    interval: orNull(Type.Number({ description: 'Seconds.' })),
    anchor: orNull(Time),
    cron: orNull(Type.String()),
    timezone: orNull(Type.String()),
    iso8601: orNull(Type.String()),
    misfire: Type.Unsafe<Misfire>(misfire),
    overlap: Type.Unsafe<Overlap>(overlap),
    failureThreshold: count('So many failed runs in a row pause it.'),
    remainingRuns: count('So many slots may still make a task.'),
    nextAt: orNull(Time),
    lastTask: orNull(Type.Object({ id: Type.String(), slot: Time })),
    paused: orNull(Type.Object({ at: Time, reason: Type.String() }, closed)),
    skipped: Type.Integer({ description: 'Slots that made no task because the one before was open.' }),
    revision: Type.Integer({ description: 'The ETag, without its quotes: raised by every change and every pause.' }),
    createdAt: Time,
  },
  { $id: 'Schedule', ...closed },
);

export const IfMatch = Type.Object({
  'if-match': Type.Optional(Type.String({ description: 'The ETag that it must still have: 412 otherwise.' })),
});

export type ScheduleView = Static<typeof ScheduleSchema>;

export function viewOf(schedule: Schedule): ScheduleView {
  const { id, name, task, rule, lastTask, paused, skipped, revision, createdAt } = schedule;
  return {
    ...{ id, href: hrefOf(id), name, task, state: stateOf(schedule) },
    ...viewOfRule(rule),
    misfire: schedule.misfire,
    overlap: schedule.overlap,
    failureThreshold: schedule.failureThreshold ?? null,
    remainingRuns: schedule.remainingRuns ?? null,
    nextAt: upcoming(schedule)?.toISOString() ?? null,
    lastTask: lastTask ? { id: lastTask.id, slot: lastTask.slot.toISOString() } : null,
    paused: paused ? { at: paused.at.toISOString(), reason: paused.reason } : null,
    skipped,
    revision,
    createdAt: createdAt.toISOString(),
  };
}

type RuleView = Pick<ScheduleView, 'interval' | 'anchor' | 'cron' | 'timezone' | 'iso8601'>;

function viewOfRule(rule: Rule): RuleView {
  const none: RuleView = { interval: null, anchor: null, cron: null, timezone: null, iso8601: null };
  switch (rule.kind) {
    case 'interval':
      return { ...none, interval: rule.intervalMs / 1_000, anchor: rule.anchor.toISOString() };
    case 'cron':
      return { ...none, cron: rule.cron, timezone: rule.timezone };
    case 'iso8601':
      return { ...none, iso8601: rule.iso8601 };
  }
}

export function hrefOf(id: string): string {
  return `${API_BASE}/schedules/${id}`;
}

/** Stands for what users change, not for `nextAt` and what else moves by itself: a change must not be refused because a slot has passed. */
export function etagOf({ revision }: Pick<Schedule, 'revision'>): string {
  return `"${revision}"`;
}

export function answer(reply: FastifyReply, schedule: Schedule): ScheduleView {
  reply.header('etag', etagOf(schedule));
  return viewOf(schedule);
}
