import type { JsonObject } from './json.js';

/** Slots lie on a grid: `anchor + n × intervalMs`. The full schedule surface (cron, ISO 8601) joins here later. */
export interface IntervalRule {
  kind: 'interval';
  intervalMs: number;
  anchor: Date;
}

/** What happens to slots that passed while no beat was up: the last one, each of them, or none. */
export type Misfire = 'one' | 'all' | 'skip';

export interface Schedule {
  id: string;
  name: string;
  /** The submit body of each slot's task. */
  task: JsonObject;
  rule: IntervalRule;
  misfire: Misfire;
  /** The next slot that has no task yet; moves by compare-and-set. */
  nextAt: Date;
  createdAt: Date;
  lastTask?: { id: string; slot: Date };
}

/** Slots of a long outage are made up in portions of this many, so that one pass stays bounded. */
export const MAX_SLOTS_PER_PASS = 100;
/** A slot that is at most this late is no misfire: a sweep had just passed it, or a beat was restarted. */
export const MISFIRE_GRACE_MS = 30_000;

/** The first slot strictly after `after`. */
export function slotAfter(rule: IntervalRule, after: Date): Date {
  const elapsed = after.getTime() - rule.anchor.getTime();
  const n = elapsed < 0 ? 0 : Math.floor(elapsed / rule.intervalMs) + 1;
  return new Date(rule.anchor.getTime() + n * rule.intervalMs);
}

/**
 * Which slots from `nextAt` up to `now` get a task, and the slot to wait for next.
 * One due slot always runs unless it is later than the grace and the policy says `skip`.
 */
export function dueSlots(schedule: Pick<Schedule, 'rule' | 'misfire' | 'nextAt'>, now: Date): { slots: Date[]; nextAt: Date } {
  const { rule, misfire } = schedule;
  if (schedule.nextAt > now) return { slots: [], nextAt: schedule.nextAt };
  if (misfire === 'all') return firstSlots(rule, schedule.nextAt, now);
  const next = slotAfter(rule, now);
  const last = new Date(next.getTime() - rule.intervalMs);
  const late = now.getTime() - last.getTime() > MISFIRE_GRACE_MS;
  return { slots: misfire === 'skip' && late ? [] : [last], nextAt: next };
}

function firstSlots(rule: IntervalRule, from: Date, now: Date): { slots: Date[]; nextAt: Date } {
  const slots: Date[] = [];
  let slot = from;
  while (slot <= now && slots.length < MAX_SLOTS_PER_PASS) {
    slots.push(slot);
    slot = new Date(slot.getTime() + rule.intervalMs);
  }
  return { slots, nextAt: slot };
}
