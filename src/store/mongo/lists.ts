import type { Filter, FindOptions } from 'mongodb';
import { FINAL_STATES } from '../../core/state.js';
import type { EndedPlace } from '../retention.js';
import type { TaskFilter, TaskPage, TaskStore } from '../tasks.js';
import { LIMIT, read } from './calls.js';
import type { Database } from './database.js';
import { END_OF_TASK_IDS, toTask, type TaskDocument } from './task-documents.js';

type Condition = Filter<TaskDocument>;
/** Of the server. It never sorts: every page is read off an index in its order, so that its cost does not grow with what lies behind it. */
type Order = Pick<FindOptions, 'sort' | 'hint'>;

interface Page<Place> {
  limit: number;
  newestFirst: boolean;
  after?: Place;
  before?: Place;
}

/** Pages by id, never by offset: what is inserted or removed meanwhile neither repeats nor hides a task. */
export async function list(db: Database, filter: TaskFilter, page: Parameters<TaskStore['list']>[1]): Promise<TaskPage> {
  return readPage(db, conditions(filter), page, {
    beyond: (id: string, descending) => ({ _id: descending ? { $lt: id } : { $gt: id } }),
    order: direction => ({ sort: { _id: direction }, ...byEnds(filter) }),
  });
}

export async function listEnded(db: Database, filter: TaskFilter, page: Page<EndedPlace>): Promise<TaskPage> {
  const all = filter.finishedAfter || filter.finishedBefore ? [] : ended(filter); // among the conditions already
  return readPage(db, [...conditions(filter), ...all], page, {
    beyond: ({ finishedAt, id }: EndedPlace, descending) => {
      const [past, from] = descending ? (['$lt', '$lte'] as const) : (['$gt', '$gte'] as const);
      return { finishedAt: { [from]: finishedAt }, $or: [{ finishedAt: { [past]: finishedAt } }, { _id: { [past]: id } }] };
    },
    order: direction => ({ sort: { finishedAt: direction, _id: direction }, hint: 'ended_state' }),
  });
}

async function readPage<Place>(
  db: Database,
  all: readonly Condition[],
  page: Page<Place>,
  { beyond, order }: { beyond: (place: Place, descending: boolean) => Condition; order: (direction: 1 | -1) => Order },
): Promise<TaskPage> {
  const backwards = page.before !== undefined;
  const descending = page.newestFirst !== backwards;
  const edge = page.before ?? page.after;
  const query = { $and: [...all, edge === undefined ? {} : beyond(edge, descending)] };
  const options = { ...LIMIT, ...order(descending ? -1 : 1), limit: page.limit + 1 };
  const found = await read('list', () => db.tasks.find(query, options).toArray());
  const items = found.slice(0, page.limit).map(toTask);
  return { items: backwards ? items.reverse() : items, more: found.length > page.limit };
}

export async function ids(
  db: Database,
  filter: TaskFilter,
  { limit, afterId = '' }: { limit: number; afterId?: string | undefined },
): Promise<string[]> {
  const query = { $and: [...conditions(filter), { _id: { $gt: afterId } }] };
  const options = { ...LIMIT, projection: { _id: 1 }, sort: { _id: 1 }, limit, ...byEnds(filter) } as const;
  return (await read('ids', () => db.tasks.find(query, options).toArray())).map(({ _id }) => _id);
}

export async function count(db: Database, filter: TaskFilter, cap: number): Promise<number> {
  return read('count', () => db.tasks.countDocuments({ $and: conditions(filter) }, { limit: cap, ...LIMIT }));
}

/** Indexes in order of id that a filter narrows most, best first. */
const BY_ID = [
  ['group', 'group'],
  ['parent', 'list_parent'],
  ['correlationId', 'list_correlation'],
  ['schedule', 'list_schedule'],
  ['tag', 'list_tags'],
  ['name', 'list_name'],
  ['queue', 'list_queue'],
] as const satisfies readonly (readonly [keyof TaskFilter, string])[];

/** Ends in order of id: without a hint the server may read the index of ends, and sort all that it finds there. */
function byEnds(filter: TaskFilter): Pick<FindOptions, 'hint'> {
  if (!filter.finishedAfter && !filter.finishedBefore) return {};
  return { hint: BY_ID.find(([field]) => filter[field])?.[1] ?? 'state' };
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
    filter.worker && { $or: ofWorkers(filter.worker) },
    filter.resource && { $or: reserving(filter.resource) },
    within('createdAt', filter.createdAfter, filter.createdBefore),
    within('finishedAt', filter.finishedAfter, filter.finishedBefore),
    ...(filter.finishedAfter || filter.finishedBefore ? ended(filter) : []),
  ];
  return all.filter(condition => condition !== undefined);
}

/** Word for word what the index of ends holds, and begins with: said twice, it would be read without its order. */
function ended({ state, finishedAfter, finishedBefore }: TaskFilter): Condition[] {
  return [
    ...(state ? [] : [{ state: { $in: [...FINAL_STATES] } }]),
    ...(finishedAfter || finishedBefore ? [] : [{ finishedAt: { $exists: true } }]),
  ];
}

/**
 * What runs is found by its state: an index of who runs what would have to be written twice for each start. A branch for each value: the server merges
 * branches that are in order, and sorts what a branch with several values finds.
 */
function ofWorkers(workers: string[]): Condition[] {
  return workers.flatMap((worker): Condition[] => [
    { state: 'running', 'run.worker': worker },
    { state: 'canceling', 'run.worker': worker },
    { 'attempts.0': { $exists: true }, 'attempts.worker': worker },
  ]);
}

function reserving(resources: string[]): Condition[] {
  return resources.flatMap((name): Condition[] => [
    { 'exclusive.0': { $exists: true }, exclusive: name },
    { 'shared.0': { $exists: true }, shared: name },
    { 'counted.0': { $exists: true }, 'counted.name': name },
  ]);
}

/** From `after`, itself included, up to but without `before`. */
function within(field: 'createdAt' | 'finishedAt', after?: Date, before?: Date): Condition | undefined {
  if (!after && !before) return undefined;
  return { [field]: { ...(after ? { $gte: after } : {}), ...(before ? { $lt: before } : {}) } };
}
