import type { Document, Filter } from 'mongodb';
import { MAX_COUNTED, MAX_HOLDERS, type ResourceStore, type ResourceUse } from '../resources.js';
import { LIMIT, read } from './calls.js';
import type { Database } from './database.js';
import { COUNTS, reservingAny } from './reserving.js';
import { LINE_PROJECTION, OPEN, toLine, type LineDocument, type TaskDocument } from './task-documents.js';

export function mongoResources(db: Database): ResourceStore {
  return { inUse: (limit, afterName) => inUse(db, limit, afterName ?? '') };
}

/** Word for word the filters of the partial indexes. */
const GRANTED = { 'grant.fence': { $gt: 0 } };
const WAITING = { waitingFor: 'resources' };

/** Where names of resources stand in tasks that are open. */
interface Place {
  index: string;
  field: 'exclusive' | 'shared' | 'counted.name';
  filter: Document;
}
const PLACES: readonly Place[] = [
  { index: 'line_exclusive', field: 'exclusive', filter: WAITING },
  { index: 'line_shared', field: 'shared', filter: WAITING },
  { index: 'line_counted', field: 'counted.name', filter: { ...COUNTS, ...WAITING } },
  { index: 'held_exclusive', field: 'exclusive', filter: GRANTED },
  { index: 'held_shared', field: 'shared', filter: GRANTED },
  { index: 'held_counted', field: 'counted.name', filter: { ...COUNTS, ...GRANTED } },
];
/** Of one look at an index. */
const BATCH = 200;
/** Names whose numbers are asked for at a time. */
const AT_ONCE = 8;

async function inUse(db: Database, limit: number, afterName: string): Promise<ResourceUse[]> {
  const found = await Promise.all(PLACES.map(place => namesAt(db, place, limit, afterName)));
  const names = inOrder(found.flat()).slice(0, limit);
  const uses: ResourceUse[] = [];
  for (let at = 0; at < names.length; at += AT_ONCE)
    uses.push(...(await Promise.all(names.slice(at, at + AT_ONCE).map(name => useOf(db, name)))));
  return uses;
}

/**
 * The next `limit` names of one index, which is looked at in its own order, from name to name: a long line costs one look, not one for each who waits. An index
 * over a list has each task once, under the least of its names behind `after`. So up to the one under which the last was found, nothing is missing.
 */
async function namesAt(db: Database, place: Place, limit: number, afterName: string): Promise<string[]> {
  const names = new Set<string>();
  for (let after = afterName; names.size < limit;) {
    const found = await lookAt(db, place, after);
    const [last] = inOrder(found.at(-1) ?? []);
    if (last === undefined) break;
    const more = found.length === BATCH;
    for (const name of found.flat()) if (!more || isBefore(name, last) || name === last) names.add(name);
    if (!more) break;
    after = last;
  }
  return [...names];
}

/** Of each task its names behind that one. */
async function lookAt(db: Database, { index, field, filter }: Place, after: string): Promise<string[][]> {
  const query = { ...filter, [field]: { $gt: after } } as Filter<TaskDocument>;
  const options = { ...LIMIT, hint: index, limit: BATCH, batchSize: BATCH, projection: { _id: 0, [field]: 1 } };
  const found = await read('resources in use', () => db.tasks.find(query, options).toArray());
  return found.map(task =>
    textsOf(field === 'counted.name' ? namesOf(task.counted) : task[field]).filter(name => isBefore(after, name)),
  );
}

/** A record that somebody spoiled by hand may hold anything. */
function textsOf(value: unknown): string[] {
  return [value].flat().filter(each => typeof each === 'string');
}

function namesOf(counted: unknown): unknown[] {
  return [counted].flat().map(each => (each as { name?: unknown } | null | undefined)?.name);
}

/** Everybody who has something in common with the name, as in its line. */
async function useOf(db: Database, name: string): Promise<ResourceUse> {
  const waiting = reservingAny([name], WAITING) as Filter<TaskDocument>;
  const holding = reservingAny([name], { ...GRANTED, state: OPEN }) as Filter<TaskDocument>;
  const first = { ...LIMIT, sort: { seq: 1 } } as const;
  const [oldest, waits, holders, holds] = await Promise.all([
    read('oldest in line', () => db.tasks.find(waiting, { ...first, limit: 1, projection: { createdAt: 1 } }).toArray()),
    read('count a line', () => db.tasks.countDocuments(waiting, { ...LIMIT, limit: MAX_COUNTED })),
    read('holders of a resource', () =>
      db.tasks.find(holding, { ...first, limit: MAX_HOLDERS, projection: LINE_PROJECTION }).toArray(),
    ),
    read('count holders', () => db.tasks.countDocuments(holding, { ...LIMIT, limit: MAX_COUNTED })),
  ]);
  const since = oldest[0]?.createdAt;
  return {
    name,
    holders: (holders as unknown as LineDocument[]).map(toLine),
    holding: holds,
    waiting: waits,
    ...(since && { oldest: since }),
  };
}

/** As the server orders text: by its bytes. */
function inOrder(names: readonly string[]): string[] {
  return [...new Set(names)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}
