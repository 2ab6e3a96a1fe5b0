import type { Filter, WithoutId } from 'mongodb';
import type { JsonObject } from '../../core/json.js';
import type { NewSchedule, Schedule } from '../../core/schedule.js';
import type { ScheduleStore } from '../schedules.js';
import { LIMIT, read, write } from './calls.js';
import { serverNow, type Database, type ScheduleDocument } from './database.js';
import { isDuplicateKey } from './errors.js';
import { literal } from './pipelines.js';

export function mongoSchedules(db: Database): ScheduleStore {
  return {
    create: schedule => create(db, schedule),
    get: id => get(db, id),
    list: (limit, afterId) => list(db, limit, afterId),
    remove: (id, version) => remove(db, id, version),
    due: limit => due(db, limit),
    replace: schedule => replace(db, schedule),
    now: () => serverNow(db),
  };
}

/** Repeated with the same id (a lost answer), it gives what is stored already. */
async function create(db: Database, schedule: NewSchedule): Promise<Schedule | undefined> {
  const { id, task, ...rest } = schedule;
  const fresh = { $mergeObjects: [literal({ _id: id, ...rest, task: JSON.stringify(task) }), { createdAt: '$$NOW' }] };
  const exists = { $ne: [{ $type: '$createdAt' }, 'missing'] };
  const pipeline = [{ $replaceWith: { $cond: [exists, '$$ROOT', fresh] } }];
  return write('create schedule', async () => {
    try {
      const options = { upsert: true, returnDocument: 'after', ...LIMIT } as const;
      const stored = await db.schedules.findOneAndUpdate({ _id: id }, pipeline, options);
      return stored ? toSchedule(stored) : undefined;
    } catch (error) {
      if (isDuplicateKey(error)) return undefined;
      throw error;
    }
  });
}

async function get(db: Database, id: string): Promise<Schedule | undefined> {
  const document = await read('get schedule', () => db.schedules.findOne({ _id: id }, LIMIT));
  return document ? toSchedule(document) : undefined;
}

async function list(db: Database, limit: number, afterId = ''): Promise<Schedule[]> {
  const options = { ...LIMIT, sort: { _id: 1 }, limit } as const;
  const found = await read('list schedules', () => db.schedules.find({ _id: { $gt: afterId } }, options).toArray());
  return found.map(toSchedule);
}

async function remove(db: Database, id: string, version: number | undefined): Promise<boolean> {
  const filter = version === undefined ? { _id: id } : withVersion(id, version);
  const result = await write('remove schedule', () => db.schedules.deleteOne(filter, LIMIT));
  return result.deletedCount === 1;
}

async function due(db: Database, limit: number): Promise<{ now: Date; schedules: Schedule[] }> {
  const now = await serverNow(db);
  const found = await read('due schedules', () =>
    db.schedules.find({ nextAt: { $lte: now } }, { ...LIMIT, sort: { nextAt: 1 }, limit }).toArray(),
  );
  return { now, schedules: found.map(toSchedule) };
}

async function replace(db: Database, schedule: Schedule): Promise<Schedule | 'changed' | 'name-taken'> {
  const { id, task, version, ...rest } = schedule;
  const document: WithoutId<ScheduleDocument> = { ...rest, version: version + 1, task: JSON.stringify(task) };
  return write('replace schedule', async () => {
    try {
      const result = await db.schedules.replaceOne(withVersion(id, version), document, LIMIT);
      return result.matchedCount === 1 ? { ...schedule, version: version + 1 } : 'changed';
    } catch (error) {
      if (isDuplicateKey(error)) return 'name-taken';
      throw error;
    }
  });
}

/** Records of earlier releases have no version. */
function withVersion(id: string, version: number): Filter<ScheduleDocument> {
  return version === 0 ? { _id: id, $or: [{ version }, { version: { $exists: false } }] } : { _id: id, version };
}

/** What records of earlier releases do not say. */
const DEFAULTS = { overlap: 'allow', skipped: 0, countedFrom: new Date(0), revision: 1, version: 0 } as const;

function toSchedule({ _id, task, ...rest }: ScheduleDocument): Schedule {
  return { ...DEFAULTS, ...rest, id: _id, task: JSON.parse(task) as JsonObject };
}
