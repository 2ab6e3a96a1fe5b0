import type { Document, Filter } from 'mongodb';
import { FINAL_STATES } from '../../core/state.js';
import type { EndedPage, EndedPlace, EndedQuery, RetentionStore } from '../retention.js';
import { LIMIT, read, writeOnce } from './calls.js';
import type { Database } from './database.js';
import { OPEN, type TaskDocument } from './task-documents.js';

/** What decides about an ended task. */
interface Ended extends Pick<TaskDocument, '_id' | 'seq' | 'group' | 'parent'> {
  finishedAt: Date;
  hasResult: boolean;
}

export function mongoRetention(db: Database): RetentionStore {
  return {
    purge: query => purge(db, query),
    purgeThese: ids => purgeThese(db, ids),
    expireResults: query => expireResults(db, { ...query, state: 'completed' }),
    removeEmptyGroups: (createdBefore, limit, afterId) => removeEmptyGroups(db, createdBefore, { limit, afterId }),
  };
}

async function purge(db: Database, query: EndedQuery): Promise<EndedPage> {
  const found = await ended(db, query);
  const done = await forget(db, found, filterOf(query));
  return pageOf(query, found, { done: done.deleted, kept: found.length - done.old });
}

async function purgeThese(db: Database, ids: readonly string[]): Promise<number> {
  const guard: Filter<TaskDocument> = { state: { $in: [...FINAL_STATES] }, finishedAt: { $exists: true } };
  const options = { ...LIMIT, projection: { finishedAt: 1, seq: 1, group: 1, parent: 1 }, hint: { _id: 1 } } as const;
  const filter = { ...guard, _id: { $in: [...ids] } };
  const found = await read('tasks to purge', () => db.tasks.find<Ended>(filter, options).toArray());
  return (await forget(db, found, guard)).deleted;
}

/** Those that nothing holds back, if they still are as the guard says. */
async function forget(
  db: Database,
  found: readonly Ended[],
  guard: Filter<TaskDocument>,
): Promise<{ old: number; deleted: number }> {
  const floor = found.length > 0 ? await floorOf(db) : 0;
  const old = await withoutHeld(
    db,
    found.filter(({ seq }) => seq <= floor),
  );
  const ids = old.map(({ _id }) => _id);
  return { old: ids.length, deleted: ids.length > 0 ? await deleted(db, { ids, guard }) : 0 };
}

async function expireResults(db: Database, query: EndedQuery): Promise<EndedPage> {
  const found = await ended(db, query);
  const having = found.filter(({ hasResult }) => hasResult);
  const old = await withoutHeld(db, having);
  const change = { ids: old.map(({ _id }) => _id), guard: filterOf(query) };
  const done = change.ids.length > 0 ? await stripped(db, change) : 0;
  return pageOf(query, found, { done, kept: having.length - old.length });
}

function filterOf({ state, endedBefore }: EndedQuery): Filter<TaskDocument> {
  return { state, finishedAt: { $lt: endedBefore } };
}

/** One range of one index; a damaged record, whose end is no date, is never in it. */
async function ended(db: Database, query: EndedQuery): Promise<Ended[]> {
  const beyond = query.after ? [behind(query.after)] : [];
  const filter = { $and: [filterOf(query), ...beyond] };
  const projection = { finishedAt: 1, seq: 1, group: 1, parent: 1, hasResult: { $ne: [{ $type: '$result' }, 'missing'] } };
  const options = { ...LIMIT, projection, sort: { finishedAt: 1, _id: 1 }, limit: query.limit } as const;
  return read('ended tasks', () => db.tasks.find<Ended>(filter, options).toArray());
}

function behind({ finishedAt, id }: EndedPlace): Filter<TaskDocument> {
  return { finishedAt: { $gte: finishedAt }, $or: [{ finishedAt: { $gt: finishedAt } }, { _id: { $gt: id } }] };
}

function pageOf({ limit }: EndedQuery, found: readonly Ended[], counts: { done: number; kept: number }): EndedPage {
  const last = found.at(-1);
  return { ...counts, ...(last && { last: { finishedAt: last.finishedAt, id: last._id } }), full: found.length === limit };
}

/** It only grows, so an old answer is a careful one. */
async function floorOf(db: Database): Promise<number> {
  const options = { projection: { floor: 1 }, ...LIMIT } as const;
  const lease = await read('floor', () => db.leases.findOne({ _id: 'resource-manager' }, options));
  return lease?.floor ?? 0;
}

async function withoutHeld(db: Database, found: readonly Ended[]): Promise<readonly Ended[]> {
  const named = (what: 'group' | 'parent'): string[] => [...new Set(found.flatMap(each => each[what] ?? []))];
  const [groups, parents] = await Promise.all([openGroups(db, named('group')), openTasks(db, named('parent'))]);
  return found.filter(({ group = '', parent = '' }) => !groups.has(group) && !parents.has(parent));
}

const AT_ONCE = 1_000;

/** Those with a member that has not ended. Each question names the groups that are not known to be open yet. */
async function openGroups(db: Database, ids: readonly string[]): Promise<Set<string>> {
  const open = new Set<string>();
  for (let asked = [...ids]; asked.length > 0; asked = asked.filter(id => !open.has(id))) {
    const filter = { group: { $in: asked }, finishedAt: null } as unknown as Filter<TaskDocument>;
    const options = { ...LIMIT, projection: { group: 1 }, limit: AT_ONCE } as const;
    const members = await read('open groups', () => db.tasks.find(filter, options).toArray());
    for (const { group } of members) if (group !== undefined) open.add(group);
    if (members.length < AT_ONCE) break;
  }
  return open;
}

async function openTasks(db: Database, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const options = { ...LIMIT, projection: { _id: 1 }, hint: { _id: 1 } } as const;
  const found = await read('open parents', () => db.tasks.find({ _id: { $in: [...ids] }, state: OPEN }, options).toArray());
  return new Set(found.map(({ _id }) => _id));
}

interface Change {
  ids: string[];
  guard: Filter<TaskDocument>;
}

async function deleted(db: Database, { ids, guard }: Change): Promise<number> {
  const filter = { ...guard, _id: { $in: ids } };
  return (await writeOnce('purge', () => db.tasks.deleteMany(filter, { hint: { _id: 1 }, ...LIMIT }))).deletedCount;
}

async function stripped(db: Database, { ids, guard }: Change): Promise<number> {
  const filter = { ...guard, _id: { $in: ids }, result: { $exists: true } };
  const change = { $unset: { result: 1 as const }, $set: { resultExpired: true as const } };
  const options = { hint: { _id: 1 }, ...LIMIT };
  return (await writeOnce('expire results', () => db.tasks.updateMany(filter, change, options))).modifiedCount;
}

/** A task that names a group which is deleted in this very moment was accepted for a group that nobody had used for so long. */
async function removeEmptyGroups(
  db: Database,
  createdBefore: Date,
  { limit, afterId = '' }: { limit: number; afterId?: string | undefined },
): ReturnType<RetentionStore['removeEmptyGroups']> {
  const options = { ...LIMIT, projection: { createdAt: 1 }, sort: { _id: 1 }, limit } as const;
  const page = await read('old groups', () => db.groups.find({ _id: { $gt: afterId } }, options).toArray());
  // Ids grow with time: behind a young one are younger ones.
  const old = page.filter(({ createdAt }) => createdAt < createdBefore).map(({ _id }) => _id);
  const used = await usedGroups(db, old);
  const empty = old.filter(id => !used.has(id));
  if (empty.length > 0) await writeOnce('remove empty groups', () => db.groups.deleteMany({ _id: { $in: empty } }, LIMIT));
  const last = old.at(-1);
  return { removed: empty.length, ...(last !== undefined && { last }), full: old.length === limit };
}

/** One member of each, if there is any. */
async function usedGroups(db: Database, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const member = { $lookup: { from: 'tasks', localField: '_id', foreignField: 'group', pipeline: ONE, as: 'members' } };
  const pipeline: Document[] = [{ $match: { _id: { $in: [...ids] } } }, member, { $match: { 'members.0': { $exists: true } } }];
  const found = await read('used groups', () => db.groups.aggregate<{ _id: string }>(pipeline, LIMIT).toArray());
  return new Set(found.map(({ _id }) => _id));
}

const ONE: Document[] = [{ $limit: 1 }, { $project: { _id: 1 } }];
