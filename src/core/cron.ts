import type { Cron } from './cron-fields.js';
import type { Zone } from './zone.js';

const SECOND = 1_000;
const DAY = 86_400_000;
/** 29 February on a given day of the week may be 40 years away, around 2100; nothing that comes at all is further. */
const HORIZON_DAYS = 41 * 366;

/**
 * The first slot after an instant, both in milliseconds since 1970. When the local clock jumps, certain times (`30 2 * * *`) run once: at the
 * end of a gap in which they lie, the first time where they come twice. `*` and steps in minutes or hours go by time that elapses: nothing
 * in a gap, and both passes of what comes twice. Undefined: it never comes.
 */
export function nextSlot(cron: Cron, zone: Zone, after: number): number | undefined {
  const from = Math.floor(after / SECOND) * SECOND;
  return cron.fixed ? nextFixed(cron, zone, from) : nextElapsing(cron, zone, from + SECOND);
}

/** What the local clock shows only grows into instants that do not fall, so the first one that lies after is the next. */
function nextFixed(cron: Cron, zone: Zone, after: number): number | undefined {
  for (let wall = after + zone.offsetAt(after) + SECOND; ; wall += SECOND) {
    const next = nextWall(cron, wall);
    if (next === undefined) return undefined;
    const instant = zone.instantOf(next);
    if (instant > after) return instant;
    wall = next;
  }
}

/** Between two jumps the local clock is UTC with something added. */
function nextElapsing(cron: Cron, zone: Zone, from: number): number | undefined {
  for (let begin = from; ;) {
    const offset = zone.offsetAt(begin);
    const wall = nextWall(cron, begin + offset);
    if (wall === undefined) return undefined;
    const jump = zone.jumpIn(begin, wall - offset);
    if (jump === undefined) return wall - offset;
    begin = jump;
  }
}

/** The first wall from this one on, itself included, that the expression allows. */
function nextWall(cron: Cron, from: number): number | undefined {
  let day = Math.floor(from / DAY) * DAY;
  let time: number | undefined = from - day;
  for (let days = 0; days < HORIZON_DAYS; days++) {
    if (isDay(cron, new Date(day))) {
      const found = timeFrom(cron, time);
      if (found !== undefined) return day + found;
    }
    day += DAY;
    time = 0;
  }
  return undefined;
}

function isDay(cron: Cron, date: Date): boolean {
  if (!cron.months.includes(date.getUTCMonth() + 1)) return false;
  const isLast = cron.lastDay && new Date(date.getTime() + DAY).getUTCDate() === 1;
  const ofMonth = isLast || cron.days.includes(date.getUTCDate());
  const ofWeek = cron.weekdays.includes(date.getUTCDay());
  return cron.eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek;
}

/** The first allowed time of a day from this one on, both in milliseconds since midnight. */
function timeFrom({ hours, minutes, seconds }: Cron, time: number): number | undefined {
  const total = Math.ceil(time / SECOND);
  const [hour, minute, second] = [Math.floor(total / 3_600), Math.floor(total / 60) % 60, total % 60];
  const h = hours.find(each => each >= hour);
  if (h === undefined) return undefined;
  const [firstMinute = 0, firstSecond = 0] = [minutes[0], seconds[0]];
  if (h > hour) return at(h, firstMinute, firstSecond);
  const m = minutes.find(each => each >= minute);
  const s = m === minute ? seconds.find(each => each >= second) : firstSecond;
  if (m !== undefined && s !== undefined) return at(h, m, s);
  const laterMinute = minutes.find(each => each > minute);
  if (laterMinute !== undefined) return at(h, laterMinute, firstSecond);
  const laterHour = hours.find(each => each > hour);
  return laterHour === undefined ? undefined : at(laterHour, firstMinute, firstSecond);
}

function at(hour: number, minute: number, second: number): number {
  return ((hour * 60 + minute) * 60 + second) * SECOND;
}
