import type { JsonObject } from '../../core/json.js';
import type { Schedule } from '../../core/schedule.js';
import type { ScheduleStore } from '../schedules.js';
import { LIMIT, read, write } from './calls.js';
import { serverNow, type Database, type ScheduleDocument } from './database.js';
import { isDuplicateKey } from './errors.js';
import { literal } from './pipelines.js';

export function mongoSchedules(db: Database): ScheduleStore {
  return {
    create: schedule => create(db, schedule),
    get: id => get(db, id),
    list: limit => list(db, limit),
    remove: id => remove(db, id),
    due: limit => due(db, limit),
    advance: (id, from, to, last) => advance(db, { id, from, to }, last),
    now: () => serverNow(db),
  };
}

/** Repeated with the same id (a lost answer), it gives what is stored already. */
async function create(db: Database, schedule: Omit<Schedule, 'createdAt'>): Promise<Schedule | undefined> {
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

async function list(db: Database, limit: number): Promise<Schedule[]> {
  const found = await read('list schedules', () => db.schedules.find({}, { ...LIMIT, sort: { _id: 1 }, limit }).toArray());
  return found.map(toSchedule);
}

async function remove(db: Database, id: string): Promise<boolean> {
  const result = await write('remove schedule', () => db.schedules.deleteOne({ _id: id }, LIMIT));
  return result.deletedCount === 1;
}

async function due(db: Database, limit: number): Promise<{ now: Date; schedules: Schedule[] }> {
  const now = await serverNow(db);
  const found = await read('due schedules', () =>
    db.schedules.find({ nextAt: { $lte: now } }, { ...LIMIT, sort: { nextAt: 1 }, limit }).toArray(),
  );
  return { now, schedules: found.map(toSchedule) };
}

async function advance(
  db: Database,
  move: { id: string; from: Date; to: Date },
  last?: { id: string; slot: Date },
): Promise<boolean> {
  const change = { $set: { nextAt: move.to, ...(last ? { lastTask: last } : {}) } };
  const result = await write('advance schedule', () =>
    db.schedules.updateOne({ _id: move.id, nextAt: move.from }, change, LIMIT),
  );
  return result.matchedCount === 1;
}

function toSchedule({ _id, task, ...rest }: ScheduleDocument): Schedule {
  return { ...rest, id: _id, task: JSON.parse(task) as JsonObject };
}
