import type { JsonObject } from './json.js';
import { omit } from './omit.js';
import { latestSlot, slotAfter, type Rule } from './schedule-rule.js';

/** What happens to slots that passed while no beat was up: the last one, each of them, or none. */
export type Misfire = 'one' | 'all' | 'skip';
/** What happens to a slot while the task of the one before is still open: it runs too, it makes no task, or the other one is cancelled. */
export type Overlap = 'allow' | 'skip' | 'cancel';

export interface Schedule {
  id: string;
  name: string;
  /** The submit body of each slot's task. */
  task: JsonObject;
  rule: Rule;
  misfire: Misfire;
  overlap: Overlap;
  /** So many failed runs in a row pause it. */
  failureThreshold?: number;
  /** How many slots may still make a task. */
  remainingRuns?: number;
  /** When a beat looks at it: the next slot that is not decided, or while there is `pending`, the next try. Absent: never. */
  nextAt?: Date;
  /** Slots that were decided to have a task and may not have it yet. */
  pending?: Pending;
  createdAt: Date;
  lastTask?: { id: string; slot: Date };
  paused?: { at: Date; reason: string };
  /** Slots that made no task because the one before was open. */
  skipped: number;
  /** Failed runs are counted from the slots after this on. */
  countedFrom: Date;
  /** Raised by every change that a user can see coming: what `If-Match` names. */
  revision: number;
  /** Raised by every write: what a compare-and-set names. */
  version: number;
}

export type NewSchedule = Omit<Schedule, 'createdAt'>;

export interface Pending {
  slots: Date[];
  /** The slot to wait for afterwards. */
  then?: Date;
  /** The task that is cancelled first. */
  cancel?: string;
  /** Tries that were refused. */
  tries: number;
}

/** Slots of a long outage are made up in portions of this many, so that one pass stays bounded. */
export const MAX_SLOTS_PER_PASS = 100;
/** A slot that is at most this late is no misfire: a sweep had just passed it, or a beat was restarted. */
export const MISFIRE_GRACE_MS = 30_000;
/** Missed slots are counted up to here. */
const MAX_COUNTED = 1_000;
/** What is refused is tried again after 1, 2, 4 … seconds, and at last once a minute. */
const MAX_RETRY_MS = 60_000;

export interface Due {
  slots: Date[];
  /** Slots that passed and make no task; counted up to 1,000. */
  missed: number;
  /** The slot to wait for next. */
  nextAt?: Date;
}

export type ScheduleState = 'active' | 'paused' | 'ended';

/** `ended`: there is no slot any more. */
export function stateOf({ paused, nextAt }: Pick<Schedule, 'paused' | 'nextAt'>): ScheduleState {
  return paused ? 'paused' : nextAt ? 'active' : 'ended';
}

const FAILURES = /(a run has failed|runs in a row have failed), the last of them task /;

/** Why a schedule is paused whose last runs all failed. */
export function failuresReason(failed: number, lastTask: string): string {
  const times = failed === 1 ? 'a run has failed' : `${failed} runs in a row have failed`;
  return `${times}, the last of them task ${lastTask}.`;
}

/** By itself, and not by somebody. */
export function isPausedByFailures({ paused }: Pick<Schedule, 'paused'>): boolean {
  return paused !== undefined && FAILURES.test(paused.reason);
}

/** The next slot for which there is no task yet. */
export function upcoming({ pending, nextAt }: Pick<Schedule, 'pending' | 'nextAt'>): Date | undefined {
  return pending?.slots[0] ?? nextAt;
}

/**
 * Which slots from `nextAt` up to `now` get a task, and the slot to wait for next.
 * One due slot always runs unless it is later than the grace and the policy says `skip`.
 */
export function dueSlots({ rule, misfire, nextAt: from }: Pick<Schedule, 'rule' | 'misfire' | 'nextAt'>, now: Date): Due {
  if (!from || from > now) return { slots: [], missed: 0, ...(from && { nextAt: from }) };
  if (misfire === 'all') {
    const { slots, nextAt } = slotsFrom(rule, from, { until: now, limit: MAX_SLOTS_PER_PASS });
    return { slots, missed: 0, ...(nextAt && { nextAt }) };
  }
  const last = latestSlot(rule, from, now);
  const late = now.getTime() - last.getTime() > MISFIRE_GRACE_MS;
  const slots = misfire === 'skip' && late ? [] : [last];
  const passed = slotsFrom(rule, from, { until: last, limit: MAX_COUNTED }).slots.length;
  const nextAt = slotAfter(rule, last);
  return { slots, missed: passed - slots.length, ...(nextAt && { nextAt }) };
}

function slotsFrom(rule: Rule, from: Date, { until, limit }: { until: Date; limit: number }): { slots: Date[]; nextAt?: Date } {
  const slots: Date[] = [];
  let slot: Date | undefined = from;
  while (slot && slot <= until && slots.length < limit) {
    slots.push(slot);
    slot = slotAfter(rule, slot);
  }
  return slot ? { slots, nextAt: slot } : { slots };
}

/** With the task of its last pending slot: on to the next one. */
export function settled(schedule: Schedule, lastTask: { id: string; slot: Date }): Schedule {
  const { pending, ...rest } = schedule;
  return withNext({ ...rest, lastTask }, schedule.paused ? undefined : pending?.then);
}

/** One of its pending slots was refused: it waits for the next try, and lets others come first. */
export function postponed(schedule: Schedule, now: Date): Schedule {
  const { pending } = schedule;
  if (!pending) return schedule;
  const delay = Math.min(MAX_RETRY_MS, 1_000 * 2 ** Math.min(pending.tries, 10));
  return { ...schedule, pending: { ...pending, tries: pending.tries + 1 }, nextAt: new Date(now.getTime() + delay) };
}

/** What was due before is still made; nothing else. */
export function pausedFor(schedule: Schedule, paused: { at: Date; reason: string }): Schedule {
  const changed = { ...schedule, paused, revision: schedule.revision + 1 };
  return awaiting(changed, undefined);
}

/** From the first slot after `now` on: what passed meanwhile is not made up for, and failures are counted anew. */
export function resumed(schedule: Schedule, now: Date): Schedule {
  const { paused, ...rest } = schedule;
  if (!paused) return schedule;
  return rescheduled({ ...rest, countedFrom: now, revision: schedule.revision + 1 }, now);
}

/** Its next slot found anew: never one of the past, nor one that has had its task. */
export function rescheduled(schedule: Schedule, now: Date): Schedule {
  const last = schedule.lastTask?.slot;
  const pending = schedule.pending?.slots.at(-1);
  const after = [now, last, pending].reduce<Date>((latest, date) => (date && date > latest ? date : latest), now);
  const over = schedule.paused !== undefined || schedule.remainingRuns === 0;
  return awaiting(schedule, over ? undefined : slotAfter(schedule.rule, after));
}

/** While slots are pending, these come first. */
function awaiting(schedule: Schedule, next: Date | undefined): Schedule {
  if (!schedule.pending) return withNext(schedule, next);
  const pending = omit(schedule.pending, 'then');
  return { ...schedule, pending: next ? { ...pending, then: next } : pending };
}

function withNext(schedule: Schedule, next: Date | undefined): Schedule {
  const rest = omit(schedule, 'nextAt');
  return next ? { ...rest, nextAt: next } : rest;
}
