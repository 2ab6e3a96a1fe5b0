import type { Schedule } from '../core/schedule.js';

export interface ScheduleStore {
  /** False: the name is taken. `createdAt` is server time. */
  create(schedule: Omit<Schedule, 'createdAt'>): Promise<Schedule | undefined>;
  get(id: string): Promise<Schedule | undefined>;
  list(limit: number): Promise<Schedule[]>;
  remove(id: string): Promise<boolean>;
  /** Schedules whose `nextAt` has come by server time, earliest first, with that time as `now`. */
  due(limit: number): Promise<{ now: Date; schedules: Schedule[] }>;
  /** Moves `nextAt` if it still is `from`; notes the last task. */
  advance(id: string, from: Date, to: Date, last?: { id: string; slot: Date }): Promise<boolean>;
  /** Server time, for the first slot of a new schedule. */
  now(): Promise<Date>;
}
