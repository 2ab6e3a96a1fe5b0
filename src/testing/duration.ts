import { secondsOf } from '../dispatch/moment.js';

const UNITS = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const SHORT = /^(?:\d+(?:\.\d+)?(?:ms|min|[smhdw])\s*)+$/;

/**
 * Seconds, an ISO 8601 duration (`PT1H30M`), or a short one: `90s`, `5m`, `1h 30m`, `2d`, `1w`, `250ms`. Gives milliseconds.
 * Throws RangeError.
 */
export function durationMs(value: number | string): number {
  if (typeof value === 'string' && SHORT.test(value)) {
    const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|min|[smhdw])/g)];
    return Math.round(parts.reduce((sum, [, n, unit]) => sum + Number(n) * UNITS[unit as keyof typeof UNITS], 0));
  }
  try {
    return Math.round(secondsOf(value, '') * 1_000);
  } catch {
    throw new RangeError(`${JSON.stringify(value)} is no duration: give seconds, "90s", "1h 30m", "2d" or "PT1H30M".`);
  }
}
