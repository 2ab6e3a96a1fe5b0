/** Local clocks, as `Intl` knows them: instants are milliseconds since 1970, walls are what the local clock shows, read as if it were UTC. */
export interface Zone {
  name: string;
  /** What the local clock is ahead of UTC at this instant. */
  offsetAt(instant: number): number;
  /** The first instant in `(from, to]` at which the local clock jumps. */
  jumpIn(from: number, to: number): number | undefined;
  /** When the local clock shows this: the first time, where it does so twice; the end of the gap, where it never does. */
  instantOf(wall: number): number;
}

interface Jump {
  at: number;
  offset: number;
}

interface Year {
  /** Offset at the beginning of the year (UTC). */
  first: number;
  jumps: Jump[];
}

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** Local clocks are 12 hours behind to 14 hours ahead of UTC. */
const MOST_AHEAD = 14 * HOUR;
const MOST_BEHIND = 12 * HOUR;
/** `Europe/Berlin` may be written in any case, so that only a bound keeps the cache small. */
const MAX_ZONES = 1_000;
const MAX_YEARS = 50;

const zones = new Map<string, Zone>();

/** Undefined: there is no such zone in this installation's data. */
export function zoneOf(name: string): Zone | undefined {
  const known = zones.get(name);
  if (known) return known;
  const offsetNow = offsets(name);
  if (!offsetNow) return undefined;
  if (zones.size >= MAX_ZONES) zones.clear();
  const zone = openZone(name, offsetNow);
  zones.set(name, zone);
  return zone;
}

/** Asking `Intl` takes some microseconds, so a year's jumps are looked for once: one question a day, and a search where two answers differ. */
function openZone(name: string, ask: (instant: number) => number): Zone {
  const years = new Map<number, Year>();
  const yearOf = (instant: number): Year => {
    const number = new Date(instant).getUTCFullYear();
    const known = years.get(number);
    if (known) return known;
    if (years.size >= MAX_YEARS) years.clear();
    const year = readYear(number, ask);
    years.set(number, year);
    return year;
  };
  const jumpIn = (from: number, to: number): number | undefined => {
    for (let at = from; at <= to; at = Date.UTC(new Date(at).getUTCFullYear() + 1, 0)) {
      const found = yearOf(at).jumps.find(jump => jump.at > from);
      if (found) return found.at <= to ? found.at : undefined;
    }
    return undefined;
  };
  const offsetAt = (instant: number): number => {
    const { first, jumps } = yearOf(instant);
    return jumps.findLast(jump => jump.at <= instant)?.offset ?? first;
  };
  const instantOf = (wall: number): number => {
    let from = wall - MOST_AHEAD - 1;
    for (;;) {
      const instant = wall - offsetAt(from);
      const jump = jumpIn(from, wall + MOST_BEHIND);
      if (jump === undefined || instant < jump) return Math.max(instant, from);
      from = jump;
    }
  };
  return { name, offsetAt, jumpIn, instantOf };
}

function readYear(year: number, ask: (instant: number) => number): Year {
  const end = Date.UTC(year + 1, 0);
  const first = ask(Date.UTC(year, 0) - 1_000);
  const jumps: Jump[] = [];
  let [before, offset] = [Date.UTC(year, 0) - 1_000, first];
  for (let at = Date.UTC(year, 0); at < end + DAY; at += DAY) {
    const probe = Math.min(at, end - 1_000);
    const now = ask(probe);
    if (now !== offset) jumps.push({ at: firstWith(now, before, probe, ask), offset: now });
    [before, offset] = [probe, now];
  }
  return { first, jumps };
}

/** The whole second in `(before, at]` from which on the offset is this one. */
function firstWith(offset: number, before: number, at: number, ask: (instant: number) => number): number {
  let [low, high] = [before, at];
  while (high - low > 1_000) {
    const middle = Math.floor((low + high) / 2_000) * 1_000;
    if (ask(middle) === offset) high = middle;
    else low = middle;
  }
  return high;
}

function offsets(timeZone: string): ((instant: number) => number) | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset', year: 'numeric' });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return instant => {
    const [, sign, hours = 0, minutes = 0, seconds = 0] =
      /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?/.exec(format.format(instant)) ?? [];
    const offset = Number(hours) * HOUR + Number(minutes) * 60_000 + Number(seconds) * 1_000;
    return sign === '-' ? -offset : offset;
  };
}

/** RFC 3339 with the zone's own offset, as `2026-03-29T03:00:00+02:00`. */
export function localTime(zone: Zone, instant: number): string {
  const offset = zone.offsetAt(instant);
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const wall = new Date(instant + offset).toISOString().slice(0, 19);
  return `${wall}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
