import type { Filter } from 'mongodb';
import { FINAL_STATES, type State } from '../../core/state.js';
import type { GroupStore, NewGroup, TaskGroup } from '../groups.js';
import { LIMIT, read, write } from './calls.js';
import { serverNow, type Database, type GroupDocument } from './database.js';
import type { TaskDocument } from './task-documents.js';

export function mongoGroups(db: Database): GroupStore {
  return {
    create: group => create(db, group),
    get: async id => fromDocument(await read('group', () => db.groups.findOne({ _id: id }, LIMIT))),
    remove: async id => {
      await write('remove group', () => db.groups.deleteOne({ _id: id }, LIMIT));
    },
    list: (limit, beforeId) => list(db, limit, beforeId),
    counts: id => counts(db, id),
    openMembers: (id, limit, afterId) => openMembers(db, id, limit, afterId),
  };
}

async function create(db: Database, { id, ...group }: NewGroup): Promise<TaskGroup> {
  const fresh = { ...group, createdAt: await serverNow(db) };
  const options = { upsert: true, returnDocument: 'after', ...LIMIT } as const;
  const stored = await write('create group', () => db.groups.findOneAndUpdate({ _id: id }, { $setOnInsert: fresh }, options));
  return fromDocument(stored) ?? { id, ...fresh };
}

async function list(db: Database, limit: number, beforeId?: string): Promise<TaskGroup[]> {
  const filter = beforeId === undefined ? {} : { _id: { $lt: beforeId } };
  const found = await read('groups', () => db.groups.find(filter, { ...LIMIT, sort: { _id: -1 }, limit }).toArray());
  return found.flatMap(document => fromDocument(document) ?? []);
}

async function counts(db: Database, id: string): Promise<Partial<Record<State, number>>> {
  const pipeline = [{ $match: { group: id } }, { $group: { _id: '$state', n: { $sum: 1 } } }];
  const found = await read('count group', () => db.tasks.aggregate<{ _id: State; n: number }>(pipeline, LIMIT).toArray());
  return Object.fromEntries(found.map(({ _id, n }) => [_id, n]));
}

async function openMembers(db: Database, id: string, limit: number, afterId = ''): Promise<string[]> {
  const filter: Filter<TaskDocument> = { group: id, _id: { $gt: afterId }, state: { $nin: [...FINAL_STATES] } };
  const options = { ...LIMIT, projection: { _id: 1 }, sort: { _id: 1 }, limit } as const;
  return (await read('open members', () => db.tasks.find(filter, options).toArray())).map(({ _id }) => _id);
}

function fromDocument(document: GroupDocument | null): TaskGroup | undefined {
  if (!document) return undefined;
  const { _id: id, ...group } = document;
  return { id, ...group };
}
