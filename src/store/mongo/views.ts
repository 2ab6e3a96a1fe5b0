import { FINAL_STATES, STATES, type State } from '../../core/state.js';
import type { Task } from '../../core/task.js';
import { LIMIT, read, write } from './calls.js';
import type { Database } from './database.js';
import { NO_VOID, toTask } from './task-documents.js';

export async function get(db: Database, id: string): Promise<Task | undefined> {
  const document = await read('get', () => db.tasks.findOne({ _id: id, ...NO_VOID }, LIMIT));
  return document ? toTask(document) : undefined;
}

export async function countByState(db: Database): Promise<Partial<Record<State, number>>> {
  const pipeline = [{ $match: { state: { $in: STATES } } }, { $group: { _id: '$state', n: { $sum: 1 } } }];
  const counts = await read('count by state', () => db.tasks.aggregate<{ _id: State; n: number }>(pipeline, LIMIT).toArray());
  return Object.fromEntries(counts.map(({ _id, n }) => [_id, n]));
}

/** From name to name in the index, whatever number of tasks has each. */
export async function queues(db: Database, limit: number): Promise<string[]> {
  const pipeline = [
    { $match: { queue: { $gt: '' } } },
    { $sort: { queue: 1 } },
    { $group: { _id: '$queue' } },
    { $limit: limit },
  ];
  const found = await read('queues', () => db.tasks.aggregate<{ _id: string }>(pipeline, LIMIT).toArray());
  return found.map(({ _id }) => _id).sort();
}

export async function runsOf(db: Database, schedule: string, after: Date, limit: number): Promise<Pick<Task, 'id' | 'state'>[]> {
  const filter = { 'schedule.id': schedule, 'schedule.slot': { $gt: after } };
  const options = { ...LIMIT, projection: { state: 1 }, sort: { 'schedule.slot': -1 }, limit } as const;
  const found = await read('runs of a schedule', () => db.tasks.find<{ _id: string; state: State }>(filter, options).toArray());
  return found.map(({ _id, state }) => ({ id: _id, state }));
}

export async function remove(db: Database, id: string): Promise<'deleted' | 'not-final' | 'missing'> {
  const final = { _id: id, state: { $in: [...FINAL_STATES] } };
  const result = await write('remove', () => db.tasks.deleteOne(final, LIMIT));
  if (result.deletedCount === 1) return 'deleted';
  return (await get(db, id)) ? 'not-final' : 'missing';
}
