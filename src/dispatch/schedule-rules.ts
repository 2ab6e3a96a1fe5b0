import { parseCron } from '../core/cron-fields.js';
import { invalid } from '../core/errors.js';
import { slotAfter, type Rule, type RepeatingRule } from '../core/schedule-rule.js';
import { zoneOf } from '../core/zone.js';
import { readTime, secondsOf, timeOf } from './moment.js';

/** When a schedule has its slots: exactly one of `interval`, `cron` and `iso8601`. */
export interface RuleWish {
  /** Seconds, or an ISO 8601 duration. */
  interval?: number | string;
  anchor?: string;
  cron?: string;
  timezone?: string;
  iso8601?: string;
}

export const RULE_FIELDS = ['interval', 'anchor', 'cron', 'timezone', 'iso8601'] as const;

const KINDS = ['interval', 'cron', 'iso8601'] as const;
const REPEATING = /^R(\d{0,9})\/([^/]+)\/([^/]+)$/;
const CALENDAR = /^P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?((?:\d+D)?(?:T.+)?)$/;

/** Throws VALIDATION_FAILED; also for a rule that has no slot after `now`. */
export function ruleOf(wish: RuleWish, now: Date): Rule {
  const given = KINDS.filter(kind => wish[kind] !== undefined);
  if (given.length === 0) throw invalid('', 'expected one of interval, cron and iso8601', 'missing');
  if (given.length > 1) throw invalid(`/${given[1]}`, `give either ${given.join(' or ')}, not both`, 'ambiguous');
  if (wish.anchor !== undefined && wish.interval === undefined) throw invalid('/anchor', 'belongs to an interval', 'not_allowed');
  if (wish.timezone !== undefined && wish.cron === undefined) throw invalid('/timezone', 'belongs to cron', 'not_allowed');
  const rule = readRule(wish, now);
  if (!slotAfter(rule, now))
    throw invalid(`/${given[0]}`, 'names no time that is still to come: it would never run', 'cron_never');
  return rule;
}

function readRule({ interval, anchor, cron, timezone = 'UTC', iso8601 }: RuleWish, now: Date): Rule {
  if (cron !== undefined) return cronRule(cron, timezone);
  if (iso8601 !== undefined) return repeatingRule(iso8601);
  const seconds = secondsOf(interval ?? '', '/interval', 1);
  return {
    kind: 'interval',
    intervalMs: Math.round(seconds * 1_000),
    anchor: anchor === undefined ? now : timeOf(anchor, now, '/anchor'),
  };
}

function cronRule(cron: string, timezone: string): Rule {
  parseCron(cron, '/cron');
  if (!zoneOf(timezone))
    throw invalid('/timezone', `"${timezone}" is no time zone: expected a name as Europe/Berlin`, 'unknown_timezone');
  return { kind: 'cron', cron, timezone };
}

function repeatingRule(text: string): RepeatingRule {
  const pointer = '/iso8601';
  const [, count, from = '', period = ''] = REPEATING.exec(text) ?? [];
  const start = readTime(from);
  if (count === undefined || !start)
    throw invalid(
      pointer,
      'expected R, how often, a time with its zone and a duration or an end, as R5/2026-01-01T00:00:00Z/PT1H',
      'repeat_format',
    );
  const length = period.startsWith('P') ? lengthOf(period, pointer) : { months: 0, ms: lengthTo(period, start, pointer) };
  if (length.months === 0) atLeastASecond(length.ms, pointer);
  return { kind: 'iso8601', iso8601: text, start, ...length, ...(count !== '' && { count: Number(count) }) };
}

/** Years and months have no fixed length: they are counted on the calendar, in UTC. */
function lengthOf(period: string, pointer: string): { months: number; ms: number } {
  const [, years = 0, months = 0, rest = ''] = CALENDAR.exec(period) ?? [];
  const onCalendar = Number(years) * 12 + Number(months);
  if (onCalendar === 0) return { months: 0, ms: Math.round(secondsOf(period, pointer) * 1_000) };
  return { months: onCalendar, ms: rest === '' ? 0 : Math.round(secondsOf(`P${rest}`, pointer) * 1_000) };
}

function lengthTo(end: string, start: Date, pointer: string): number {
  const time = readTime(end);
  if (!time) throw invalid(pointer, `"${end}" is neither a duration as PT1H nor a time with its zone`, 'repeat_format');
  return time.getTime() - start.getTime();
}

function atLeastASecond(ms: number, pointer: string): void {
  if (ms < 1_000) throw invalid(pointer, 'expected at least one second', 'number_range');
}
