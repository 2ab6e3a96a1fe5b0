import type { Schedule } from '../../../src/core/schedule.js';
import type { SimulatedDatabase } from './database.js';
import { asJson, byId, changed } from './records.js';

/** Repeated with the same id (a lost answer), it gives what is stored already. */
export function createSchedule(db: SimulatedDatabase, schedule: Omit<Schedule, 'createdAt'>): Schedule | undefined {
  const stored = db.schedules.get(schedule.id);
  if (stored) return { ...stored };
  if ([...db.schedules.values()].some(other => other.name === schedule.name)) return undefined;
  const created = { ...schedule, task: asJson(schedule.task), rule: { ...schedule.rule }, createdAt: db.now() };
  db.schedules.put(created.id, created);
  return { ...created };
}

export function getSchedule(db: SimulatedDatabase, id: string): Schedule | undefined {
  const schedule = db.schedules.get(id);
  return schedule && { ...schedule };
}

export function listSchedules(db: SimulatedDatabase, limit: number): Schedule[] {
  return [...db.schedules.values()]
    .sort(byId)
    .slice(0, limit)
    .map(schedule => ({ ...schedule }));
}

export function dueSchedules(db: SimulatedDatabase, limit: number): { now: Date; schedules: Schedule[] } {
  const now = db.now();
  const due = [...db.schedules.values()].filter(schedule => schedule.nextAt <= now);
  due.sort((a, b) => a.nextAt.getTime() - b.nextAt.getTime());
  return { now, schedules: due.slice(0, limit).map(schedule => ({ ...schedule })) };
}

export function advance(
  db: SimulatedDatabase,
  { id, from, to }: { id: string; from: Date; to: Date },
  last?: { id: string; slot: Date },
): boolean {
  const schedule = db.schedules.get(id);
  if (schedule?.nextAt.getTime() !== from.getTime()) return false;
  db.schedules.put(id, changed(schedule, { nextAt: to, lastTask: last ? { ...last } : schedule.lastTask }));
  return true;
}
