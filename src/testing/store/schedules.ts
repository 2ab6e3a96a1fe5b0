import type { NewSchedule, Schedule } from '../../core/schedule.js';
import type { SimulatedDatabase } from './database.js';
import { asJson, byId } from './records.js';

/** Repeated with the same id (a lost answer), it gives what is stored already. */
export function createSchedule(db: SimulatedDatabase, schedule: NewSchedule): Schedule | undefined {
  const stored = db.schedules.get(schedule.id);
  if (stored) return { ...stored };
  if (isTaken(db, schedule)) return undefined;
  const created = { ...schedule, task: asJson(schedule.task), rule: { ...schedule.rule }, createdAt: db.now() };
  db.schedules.put(created.id, created);
  return { ...created };
}

export function getSchedule(db: SimulatedDatabase, id: string): Schedule | undefined {
  const schedule = db.schedules.get(id);
  return schedule && { ...schedule };
}

export function listSchedules(db: SimulatedDatabase, limit: number, afterId = ''): Schedule[] {
  return [...db.schedules.values()]
    .filter(({ id }) => id > afterId)
    .sort(byId)
    .slice(0, limit)
    .map(schedule => ({ ...schedule }));
}

export function removeSchedule(db: SimulatedDatabase, id: string, version?: number): boolean {
  return (version === undefined || db.schedules.get(id)?.version === version) && db.schedules.delete(id);
}

export function dueSchedules(db: SimulatedDatabase, limit: number): { now: Date; schedules: Schedule[] } {
  const now = db.now();
  const due = [...db.schedules.values()].flatMap(schedule => {
    const { nextAt } = schedule;
    return nextAt && nextAt <= now ? [{ schedule, at: nextAt.getTime() }] : [];
  });
  due.sort((a, b) => a.at - b.at);
  return { now, schedules: due.slice(0, limit).map(({ schedule }) => ({ ...schedule })) };
}

export function replaceSchedule(db: SimulatedDatabase, schedule: Schedule): Schedule | 'changed' | 'name-taken' {
  if (db.schedules.get(schedule.id)?.version !== schedule.version) return 'changed';
  if (isTaken(db, schedule)) return 'name-taken';
  const replaced = { ...schedule, task: asJson(schedule.task), version: schedule.version + 1 };
  db.schedules.put(replaced.id, replaced);
  return { ...replaced };
}

function isTaken(db: SimulatedDatabase, { id, name }: Pick<Schedule, 'id' | 'name'>): boolean {
  return [...db.schedules.values()].some(other => other.name === name && other.id !== id);
}
