import type { Filter } from 'mongodb';
import { FINAL_STATES, STATES, type State } from '../../core/state.js';
import type { Task } from '../../core/task.js';
import type { TaskFilter, TaskPage, TaskStore } from '../tasks.js';
import { LIMIT, read, write } from './calls.js';
import type { Database } from './database.js';
import { END_OF_TASK_IDS, NO_VOID, toTask, type TaskDocument } from './task-documents.js';

type PageQuery = Parameters<TaskStore['list']>[1];
type Condition = Filter<TaskDocument>;

export async function get(db: Database, id: string): Promise<Task | undefined> {
  const document = await read('get', () => db.tasks.findOne({ _id: id, ...NO_VOID }, LIMIT));
  return document ? toTask(document) : undefined;
}

/** Pages by id, never by offset: what is inserted or removed meanwhile neither repeats nor hides a task. */
export async function list(db: Database, filter: TaskFilter, page: PageQuery): Promise<TaskPage> {
  const backwards = page.before !== undefined;
  const descending = page.newestFirst !== backwards;
  const edge = page.before ?? page.after;
  const beyond: Condition = edge === undefined ? {} : { _id: descending ? { $lt: edge } : { $gt: edge } };
  const query = { $and: [...conditions(filter), beyond] };
  const options = { ...LIMIT, sort: { _id: descending ? -1 : 1 } as const, limit: page.limit + 1 };
  const found = await read('list', () => db.tasks.find(query, options).toArray());
  const items = found.slice(0, page.limit).map(toTask);
  return { items: backwards ? items.reverse() : items, more: found.length > page.limit };
}

export async function count(db: Database, filter: TaskFilter, cap: number): Promise<number> {
  return read('count', () => db.tasks.countDocuments({ $and: conditions(filter) }, { limit: cap, ...LIMIT }));
}

/** Only typed values come in here, and each stands under a fixed field and operator. */
function conditions(filter: TaskFilter): Condition[] {
  const all: (Condition | undefined)[] = [
    { _id: { $lt: END_OF_TASK_IDS } },
    filter.state && { state: { $in: filter.state } },
    filter.name && { name: { $in: filter.name } },
    filter.queue && { queue: { $in: filter.queue } },
    filter.tag && { 'tags.0': { $exists: true }, tags: { $in: filter.tag } },
    filter.group && { group: { $in: filter.group } },
    filter.parent && { parent: { $in: filter.parent } },
    filter.correlationId && { correlationId: { $in: filter.correlationId } },
    filter.schedule && { 'schedule.slot': { $exists: true }, 'schedule.id': { $in: filter.schedule } },
    filter.worker && { $or: [{ 'run.worker': { $in: filter.worker } }, { 'attempts.worker': { $in: filter.worker } }] },
    filter.resource && { $or: [reserving('exclusive', filter.resource), reserving('shared', filter.resource)] },
    within('createdAt', filter.createdAfter, filter.createdBefore),
    within('finishedAt', filter.finishedAfter, filter.finishedBefore),
  ];
  return all.filter(condition => condition !== undefined);
}

function reserving(mode: 'exclusive' | 'shared', resources: string[]): Condition {
  return { [`${mode}.0`]: { $exists: true }, [mode]: { $in: resources } };
}

/** From `after`, itself included, up to but without `before`. */
function within(field: 'createdAt' | 'finishedAt', after?: Date, before?: Date): Condition | undefined {
  if (!after && !before) return undefined;
  return { [field]: { ...(after ? { $gte: after } : {}), ...(before ? { $lt: before } : {}) } };
}

export async function countByState(db: Database): Promise<Partial<Record<State, number>>> {
  const pipeline = [{ $match: { state: { $in: STATES } } }, { $group: { _id: '$state', n: { $sum: 1 } } }];
  const counts = await read('count by state', () => db.tasks.aggregate<{ _id: State; n: number }>(pipeline, LIMIT).toArray());
  return Object.fromEntries(counts.map(({ _id, n }) => [_id, n]));
}

export async function remove(db: Database, id: string): Promise<'deleted' | 'not-final' | 'missing'> {
  const final = { _id: id, state: { $in: [...FINAL_STATES] } };
  const result = await write('remove', () => db.tasks.deleteOne(final, LIMIT));
  if (result.deletedCount === 1) return 'deleted';
  return (await get(db, id)) ? 'not-final' : 'missing';
}
