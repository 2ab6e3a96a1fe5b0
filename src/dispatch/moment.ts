import { invalid } from '../core/errors.js';
import { MAX_SECONDS } from '../core/submit-body.js';

const TIME = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const DURATION = /^P(?:(\d+)W|(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?)$/;
export const TIME_EXPECTED = 'expected a time that there is, with its zone, as 2026-01-31T12:00:00Z';
const MOMENT_EXPECTED = 'expected seconds, an ISO 8601 duration as PT1H30M, or a time with its zone, as 2026-01-31T12:00:00Z';
const SECONDS_OF = [604_800, 86_400, 3_600, 60, 1] as const;

/**
 * Seconds from now, an ISO 8601 duration, or an RFC 3339 time with its zone.
 * Throws VALIDATION_FAILED (`date_invalid`, `duration_format`, `number_range`).
 */
export function momentOf(value: number | string, now: Date, pointer: string): Date {
  const relative = typeof value === 'number' || value.startsWith('P');
  if (!relative && !readTime(value)) throw invalid(pointer, MOMENT_EXPECTED, 'date_invalid');
  if (!relative) return timeOf(value, now, pointer);
  return new Date(now.getTime() + Math.round(secondsOf(value, pointer) * 1_000));
}

/** An RFC 3339 time at most ten years ahead. Throws VALIDATION_FAILED `date_invalid`. */
export function timeOf(text: string, now: Date, pointer: string): Date {
  const time = readTime(text);
  if (!time) throw invalid(pointer, TIME_EXPECTED, 'date_invalid');
  if (time.getTime() - now.getTime() > MAX_SECONDS * 1_000) {
    throw invalid(pointer, 'lies more than ten years ahead: expected an earlier time', 'date_invalid');
  }
  return time;
}

/** Undefined: not an RFC 3339 time. Unlike `Date`, February has no 30th here. */
export function readTime(text: string): Date | undefined {
  const [, year, month, day] = TIME.exec(text) ?? [];
  if (year === undefined) return undefined;
  const daysInMonth = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const time = new Date(text);
  return Number(day) <= daysInMonth && !Number.isNaN(time.getTime()) ? time : undefined;
}

/** Throws VALIDATION_FAILED. Months and years are refused: they have no fixed length. */
export function secondsOf(value: number | string, pointer: string, least = 0): number {
  const seconds = typeof value === 'number' ? value : secondsOfDuration(value, pointer);
  if (seconds >= least && seconds <= MAX_SECONDS) return seconds;
  throw invalid(pointer, `expected ${least} to ${MAX_SECONDS} seconds (ten years), not ${seconds}`, 'number_range');
}

function secondsOfDuration(text: string, pointer: string): number {
  const parts: (string | undefined)[] | undefined = DURATION.exec(text)?.slice(1);
  if (!parts || parts.every(part => part === undefined)) {
    const detail = 'expected a number of seconds or an ISO 8601 duration in weeks, days, hours, minutes and seconds, as PT1H30M';
    throw invalid(pointer, detail, 'duration_format');
  }
  return SECONDS_OF.reduce((sum, factor, index) => sum + factor * Number(parts[index] ?? 0), 0);
}
