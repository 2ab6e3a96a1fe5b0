/** At most `count` starts in `perMs` milliseconds, for all tasks of this key in the deployment. */
export interface Rate {
  key: string;
  count: number;
  perMs: number;
}

export type Limit = Pick<Rate, 'count' | 'perMs'>;

/** What a text that is no limit gets for an answer. */
export const RATE_EXPECTED = 'expected a number of starts per time, such as "10/s", "100/m", "5/10s" or "1/d" (s, m, h or d)';

/** More is no limit: a leader grants some thousands a second. */
export const MAX_COUNT = 1_000_000;
const MAX_PER_MS = 366 * 86_400_000;

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** Undefined for a text that is no limit, and for one of no starts, of more than a million, or over more than a year. */
export function parseLimit(text: string): Limit | undefined {
  const [, starts, times = '1', unit] = /^(\d{1,7})\/(\d{1,8})?([smhd])$/.exec(text) ?? [];
  const ms = UNITS.find(([name]) => name === unit)?.[1];
  if (ms === undefined) return undefined;
  const [count, perMs] = [Number(starts), Number(times) * ms];
  const sound = count >= 1 && count <= MAX_COUNT && perMs > 0 && perMs <= MAX_PER_MS;
  return sound ? { count, perMs } : undefined;
}

export function limitText({ count, perMs }: Limit): string {
  const [unit, ms] = UNITS.find(([, size]) => perMs % size === 0) ?? ['s', 1_000];
  return `${count}/${perMs === ms ? '' : perMs / ms}${unit}`;
}

/** Milliseconds from one token to the next. */
export function intervalMsOf({ count, perMs }: Limit): number {
  return perMs / count;
}

/** What a bucket holds at most: one second's worth, at least one. */
export function burstOf({ count, perMs }: Limit): number {
  return Math.max(1, Math.floor((count * 1_000) / perMs));
}

export function sameLimit(a: Limit, b: Limit): boolean {
  return a.count === b.count && a.perMs === b.perMs;
}
