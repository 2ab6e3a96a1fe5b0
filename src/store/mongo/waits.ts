import type { Filter } from 'mongodb';
import type { Json } from '../../core/json.js';
import type { Task, TaskError } from '../../core/task.js';
import type { Awaited, WaitingStart, WaitStore } from '../waits.js';
import { lentFenceOf } from '../../core/task.js';
import { LIMIT, read, write } from './calls.js';
import type { Database } from './database.js';
import { literal, without } from './pipelines.js';
import { OPEN, type TaskDocument } from './task-documents.js';

export function mongoWaits(db: Database): WaitStore {
  return {
    await: (start, tasks) => note(db, start, tasks),
    lend: (id, token) => lend(db, id, token),
    awaited: ids => awaited(db, ids),
    awaiting: (seq, limit) => awaiting(db, seq, limit),
    failWaiting: (id, seq, error) => failWaiting(db, { id, seq }, error),
  };
}

async function note(db: Database, { id, token, n, fence }: WaitingStart, tasks: readonly string[]): Promise<boolean> {
  const filter = { _id: id, 'run.token': token, state: OPEN, 'run.waits': { $not: { $gt: n } } } as Filter<TaskDocument>;
  const run = { 'run.waits': n, ...(fence !== undefined && { 'run.fence': fence }) };
  const change = tasks.length > 0 ? { $set: { ...run, awaiting: [...tasks] } } : { $set: run, $unset: { awaiting: 1 } };
  const result = await write('await', () => db.tasks.updateOne(filter, change as object, LIMIT));
  return result.matchedCount === 1;
}

async function lend(db: Database, id: string, token: string): Promise<number | undefined> {
  const filter = { _id: id, 'run.token': token, state: 'running', 'grant.fence': { $gt: 0 } } as Filter<TaskDocument>;
  const options = { projection: { grant: 1 }, ...LIMIT } as const;
  const found = await write('lend', () => db.tasks.findOneAndUpdate(filter, { $set: { lends: true } }, options));
  return found?.grant?.fence;
}

const OF_AWAITED = { name: 1, state: 1, result: 1, error: 1, reason: 1, under: 1, attempts: { $slice: -1 } } as const;

async function awaited(db: Database, ids: readonly string[]): Promise<Awaited[]> {
  const options = { ...LIMIT, projection: OF_AWAITED, hint: { _id: 1 } } as const;
  const found = await read('awaited', () => db.tasks.find({ _id: { $in: [...ids] } }, options).toArray());
  return found.map(({ _id: id, name, state, result, error, reason, attempts, under }) => ({
    ...{ id, name, state },
    ...(result !== undefined && { result: JSON.parse(result) as Json }),
    ...(error && { error }),
    ...(reason && { reason }),
    ...lentFenceOf({ attempts, ...(under && { under }) }),
  }));
}

/** By the partial index alone: it is empty where nobody waits, and then the answer costs nothing. */
async function awaiting(db: Database, seq: number, limit: number): Promise<Pick<Task, 'id' | 'seq'>[]> {
  const filter = { 'awaiting.0': { $exists: true }, seq: { $gt: seq } } as Filter<TaskDocument>;
  const options = { ...LIMIT, projection: { seq: 1 }, sort: { seq: 1 }, limit, hint: 'awaiting' } as const;
  const found = await read('awaiting', () => db.tasks.find(filter, options).toArray());
  return found.map(({ _id: id, seq: number }) => ({ id, seq: number }));
}

async function failWaiting(db: Database, { id, seq }: Pick<Task, 'id' | 'seq'>, error: TaskError): Promise<boolean> {
  const waits = { _id: id, seq, state: 'waiting', waitingFor: 'resources', grant: null } as unknown as Filter<TaskDocument>;
  const over = { state: 'failed', error: literal(error), finishedAt: '$$NOW', ...without('waitingFor', 'dueAt', 'uniqueKey') };
  const result = await write('fail waiting', () => db.tasks.updateOne(waits, [{ $set: over }], LIMIT));
  if (result.matchedCount === 1) return true;
  const failed = { _id: id, state: 'failed', 'error.code': error.code } as const;
  const options = { ...LIMIT, projection: { _id: 1 } } as const;
  return (await read('fail waiting, read back', () => db.tasks.findOne(failed, options))) !== null;
}
