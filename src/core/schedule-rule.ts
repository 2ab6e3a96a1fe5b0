import { nextSlot } from './cron.js';
import { parseCron } from './cron-fields.js';
import { zoneOf } from './zone.js';

/** Slots lie on a grid: `anchor + n × intervalMs`. */
export interface IntervalRule {
  kind: 'interval';
  intervalMs: number;
  anchor: Date;
}

export interface CronRule {
  kind: 'cron';
  cron: string;
  timezone: string;
}

/** An ISO 8601 repeating interval. Slot `n` is `start` plus `n` times the months (in UTC), plus `n` times the milliseconds. */
export interface RepeatingRule {
  kind: 'iso8601';
  /** As it was written. */
  iso8601: string;
  start: Date;
  months: number;
  ms: number;
  /** How many slots there are; no end without it. */
  count?: number;
}

export type Rule = IntervalRule | CronRule | RepeatingRule;

const LONGEST_MONTH_MS = 31 * 86_400_000;

/** The first slot strictly after `after`, if there is another one. */
export function slotAfter(rule: Rule, after: Date): Date | undefined {
  switch (rule.kind) {
    case 'interval':
      return onGrid(rule, after);
    case 'cron':
      return cronAfter(rule, after);
    case 'iso8601':
      return repetitionAfter(rule, after);
  }
}

/** The last slot up to `now`, itself included; `from` is a slot that is not later. */
export function latestSlot(rule: Rule, from: Date, now: Date): Date {
  // Between `high` and now there is none: forty halvings, whatever passed meanwhile.
  let [low, high] = [from.getTime(), now.getTime()];
  while (high > low) {
    const middle = Math.floor((low + high) / 2);
    const next = slotAfter(rule, new Date(middle))?.getTime() ?? Infinity;
    if (next <= now.getTime()) low = next;
    else high = middle;
  }
  return new Date(low);
}

function onGrid({ anchor, intervalMs }: IntervalRule, after: Date): Date {
  const elapsed = after.getTime() - anchor.getTime();
  const n = elapsed < 0 ? 0 : Math.floor(elapsed / intervalMs) + 1;
  return new Date(anchor.getTime() + n * intervalMs);
}

function cronAfter({ cron, timezone }: CronRule, after: Date): Date | undefined {
  const zone = zoneOf(timezone);
  // It was there when the schedule was made: another installation, with other data.
  if (!zone) throw new Error(`this installation has no time zone "${timezone}"`);
  const slot = nextSlot(parseCron(cron, '/cron'), zone, after.getTime());
  return slot === undefined ? undefined : new Date(slot);
}

function repetitionAfter(rule: RepeatingRule, after: Date): Date | undefined {
  const elapsed = after.getTime() - rule.start.getTime();
  // Never too high, as no month is longer.
  let n = Math.max(0, Math.floor(elapsed / (rule.months * LONGEST_MONTH_MS + rule.ms)));
  while (repetition(rule, n) <= after) n++;
  return n < (rule.count ?? Infinity) ? repetition(rule, n) : undefined;
}

/** Counted from the start, so that a month after 31 January is 28 February and two are 31 March. */
function repetition({ start, months, ms }: RepeatingRule, n: number): Date {
  const month = start.getUTCMonth() + n * months;
  const lastDay = new Date(Date.UTC(start.getUTCFullYear(), month + 1, 0)).getUTCDate();
  const day = Math.min(start.getUTCDate(), lastDay);
  const timeOfDay = start.getTime() - Date.UTC(start.getUTCFullYear(), start.getUTCMonth(), start.getUTCDate());
  return new Date(Date.UTC(start.getUTCFullYear(), month, day) + timeOfDay + n * ms);
}
