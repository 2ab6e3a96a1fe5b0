import type { ClientSession, Document, Filter } from 'mongodb';
import { StoreError } from '../../core/errors.js';
import { FINAL_STATES } from '../../core/state.js';
import type { LineTask } from '../tasks.js';
import { LIMIT, read, write } from './calls.js';
import { serverNow, type Database } from './database.js';
import { soundOnes } from './damage.js';
import { orStillUnclear } from './pipelines.js';
import { reservingAny } from './reserving.js';
import {
  LINE_PROJECTION,
  NO_VOID,
  OPEN,
  toLine,
  toLineOrVoid,
  type LineDocument,
  type TaskDocument,
  type VoidDocument,
} from './task-documents.js';

type Numbered = LineTask | { seq: number; void: true };
/** Word for word the filter of the partial indexes; `$exists` would read every task. */
const GRANTED = { 'grant.fence': { $gt: 0 } } as const;
const BATCH = 1_000;

/** Every read here is one that a leader acts on: majority, and not older than its lease. */
async function readAs<T>(db: Database, what: string, filter: Document, options: Document): Promise<T[]> {
  const all = { batchSize: BATCH, ...LIMIT, ...options };
  return read(what, () =>
    db.causality.read(
      db.bulk,
      session => db.tasks.find(filter as Filter<TaskDocument>, { ...all, session }).toArray() as unknown as Promise<T[]>,
    ),
  );
}

async function readLines(db: Database, what: string, filter: Document, options: Document): Promise<LineTask[]> {
  const found = await readAs<LineDocument>(db, what, filter, { projection: LINE_PROJECTION, ...options });
  return [...db.damage.note(found.map(toLine))];
}

async function readNumbered(db: Database, what: string, filter: Document, options: Document = {}): Promise<Numbered[]> {
  const found = await readAs<LineDocument | VoidDocument>(db, what, filter, {
    projection: LINE_PROJECTION,
    sort: { seq: 1 },
    ...options,
  });
  const rows = found.map(toLineOrVoid);
  db.damage.note(rows.flatMap(row => ('void' in row ? [] : [row])));
  return rows;
}

export async function range(db: Database, seq: number, limit: number): Promise<Numbered[]> {
  return readNumbered(db, 'range', { seq: { $gt: seq } }, { limit });
}

export async function byNumbers(db: Database, numbers: readonly number[]): Promise<Numbered[]> {
  return readNumbered(db, 'by numbers', { seq: { $in: [...numbers] } });
}

/**
 * The unique index lets either the void or the late task have a number, never both. A clash is looked at like an unclear
 * answer: all that counts is that something stands under each number.
 */
export async function voidNumbers(db: Database, numbers: readonly number[]): Promise<void> {
  if (numbers.length === 0) return;
  const voidAt = await serverNow(db);
  const voids = numbers.map((seq): VoidDocument => ({ _id: `void:${seq}`, seq, voidAt }));
  const collection = db.bulkDb.collection<VoidDocument>('tasks');
  try {
    await write('void numbers', () => collection.insertMany(voids, { ordered: false, ...LIMIT }));
  } catch (error) {
    if (!(error instanceof StoreError) || error.outcome !== 'unknown') throw error;
    const closed = await orStillUnclear(error, () => byNumbers(db, numbers));
    if (new Set(closed.map(each => each.seq)).size < new Set(numbers).size) throw error;
  }
}

/** A fence that two records carry (somebody copied one) must not be parted by the end of a page. */
export async function holders(db: Database, afterFence: number, limit: number): Promise<LineTask[]> {
  const above = { 'grant.fence': { $gt: afterFence }, state: OPEN };
  const page = await readLines(db, 'holders', above, { sort: { 'grant.fence': 1 }, limit });
  const stray = afterFence === 0 ? await runningWithoutFence(db) : [];
  const last = page.length < limit ? undefined : page.at(-1)?.grant?.fence;
  if (last === undefined) return [...stray, ...page];
  const known = new Set(page.map(task => task.id));
  const same = await readLines(db, 'holders', { 'grant.fence': last, state: OPEN }, {});
  return [...stray, ...page, ...same.filter(task => !known.has(task.id))];
}

/** Damaged ones, which no index of fences shows. */
async function runningWithoutFence(db: Database): Promise<LineTask[]> {
  const reserving = { $or: ['exclusive.0', 'shared.0', 'counted.0'].map(first => ({ [first]: { $exists: true } })) };
  const filter = { state: { $in: ['running', 'canceling'] }, 'grant.fence': { $not: { $gt: 0 } }, ...reserving };
  return readLines(db, 'holders without a fence', filter, { hint: 'state', limit: BATCH });
}

export async function holderFences(db: Database, afterFence: number, limit: number): Promise<number[]> {
  return numbersOf(db, 'grant.fence', { 'grant.fence': { $gt: afterFence } }, limit);
}

export async function waitingNumbers(db: Database, seq: number, limit: number): Promise<number[]> {
  return numbersOf(db, 'seq', { waitingFor: 'resources', seq: { $gt: seq } }, limit);
}

/** One document with all the numbers: half the time of one each. */
async function numbersOf(db: Database, field: string, filter: Document, limit: number): Promise<number[]> {
  const all = { $group: { _id: null, numbers: { $push: `$${field}` } } };
  const pipeline = [{ $match: filter }, { $sort: { [field]: 1 } }, { $limit: limit }, all];
  const [found] = await aggregated<{ numbers: number[] }>(db, `numbers of ${field}`, pipeline);
  return found?.numbers ?? [];
}

async function aggregated<T extends Document>(db: Database, what: string, pipeline: Document[]): Promise<T[]> {
  return read(what, () =>
    db.causality.read(db.bulk, session => db.tasks.aggregate<T>(pipeline, { ...LIMIT, session }).toArray()),
  );
}

/** The plain command counts the keys of an index; an aggregation needs half as much again. */
export async function countInLines(db: Database, upToSeq: number, cap: number): Promise<{ holding: number; waiting: number }> {
  const count = async (query: Document): Promise<number> => {
    const command = { count: 'tasks', query, limit: cap, readConcern: { level: 'majority' }, ...LIMIT };
    const ask = (session: ClientSession): Promise<Document> => db.bulkDb.command(command, { session });
    return Number((await read('count in lines', () => db.causality.read(db.bulk, ask))).n);
  };
  const [holding, waiting] = await Promise.all([count(GRANTED), count({ waitingFor: 'resources', seq: { $lte: upToSeq } })]);
  return { holding, waiting };
}

/** A grant moves its task on to wait for a worker, so nothing that waits for resources has one. */
export async function waitingForResources(db: Database, seq: number, limit: number): Promise<LineTask[]> {
  const filter = { waitingFor: 'resources', seq: { $gt: seq } };
  return readLines(db, 'waiting for resources', filter, { sort: { seq: 1 }, limit });
}

export async function byIds(db: Database, ids: readonly string[]): Promise<LineTask[]> {
  const filter = { _id: { $in: [...ids] }, ...NO_VOID };
  return readLines(db, 'by ids', filter, { hint: { _id: 1 } });
}

export async function endedWithin(db: Database, ms: number): Promise<string[]> {
  const since = new Date((await serverNow(db)).getTime() - ms);
  const filter = { state: { $in: [...FINAL_STATES] }, finishedAt: { $gte: since } };
  const options = { sort: { finishedAt: -1 }, limit: 10_000, projection: { _id: 1 } };
  return (await readAs<{ _id: string }>(db, 'ended within', filter, options)).map(each => each._id);
}

export async function readyFor(db: Database, waitingFor: 'worker' | 'resources', ms: number, limit: number): Promise<LineTask[]> {
  const longSince = { $lte: ['$readyAt', { $subtract: ['$$NOW', ms] }] };
  const ask = (without: string[]): Promise<LineTask[]> =>
    readLines(db, 'ready for', { waitingFor, $expr: longSince, _id: { $nin: without } }, { sort: { seq: 1 }, limit });
  return soundOnes(db.damage, ask);
}

export async function line(db: Database, resource: string, limit: number): Promise<LineTask[]> {
  const order = { sort: { seq: 1 }, limit };
  // In this order: a task that is granted between the two reads is in both, never in neither.
  const waiting = await readLines(db, 'line', reservingAny([resource], { waitingFor: 'resources' }), order);
  const holding = await readLines(db, 'line, holders', reservingAny([resource], { ...GRANTED, state: OPEN }), order);
  const held = new Set(holding.map(each => each.id));
  return [...holding, ...waiting.filter(each => !held.has(each.id))].slice(0, limit);
}
