import type { NewSchedule, Schedule } from '../core/schedule.js';

export interface ScheduleStore {
  /** Undefined: the name is taken. `createdAt` is server time. */
  create(schedule: NewSchedule): Promise<Schedule | undefined>;
  get(id: string): Promise<Schedule | undefined>;
  /** In order of id, after this one. */
  list(limit: number, afterId?: string): Promise<Schedule[]>;
  /** With a version: only if it still is that one. */
  remove(id: string, version?: number): Promise<boolean>;
  /** Schedules whose `nextAt` has come by server time, earliest first, with that time as `now`. */
  due(limit: number): Promise<{ now: Date; schedules: Schedule[] }>;
  /** Stores it if the record still has its version, which is raised; resolves with what is stored then. `changed` also stands for "gone". */
  replace(schedule: Schedule): Promise<Schedule | 'changed' | 'name-taken'>;
  /** Server time, for the first slot of a new schedule. */
  now(): Promise<Date>;
}
