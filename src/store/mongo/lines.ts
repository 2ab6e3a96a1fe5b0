import type { Document, Filter } from 'mongodb';
import { StoreError } from '../../core/errors.js';
import type { LineTask } from '../tasks.js';
import { LIMIT, read, write } from './calls.js';
import { serverNow, type Database } from './database.js';
import { orStillUnclear } from './pipelines.js';
import {
  LINE_PROJECTION,
  toLine,
  toLineOrVoid,
  type LineDocument,
  type TaskDocument,
  type VoidDocument,
} from './task-documents.js';

type Numbered = LineTask | { seq: number; void: true };
const OPEN = { $in: ['waiting', 'running', 'canceling'] as TaskDocument['state'][] };
/** Word for word the filter of the partial indexes; `$exists` would read every task. */
const GRANTED = { 'grant.fence': { $gt: 0 } } as const;
const BATCH = 1_000;

/** Every read here is one that a leader acts on: majority, and not older than its lease. */
async function readLines<T extends LineDocument | VoidDocument = LineDocument>(
  db: Database,
  what: string,
  filter: Document,
  options: Document = {},
): Promise<T[]> {
  const all = { projection: LINE_PROJECTION, batchSize: BATCH, ...LIMIT, ...options };
  return read(what, () =>
    db.causality.read(
      db.bulk,
      session => db.tasks.find(filter as Filter<TaskDocument>, { ...all, session }).toArray() as unknown as Promise<T[]>,
    ),
  );
}

export async function range(db: Database, seq: number, limit: number): Promise<Numbered[]> {
  const found = await readLines<LineDocument | VoidDocument>(db, 'range', { seq: { $gt: seq } }, { sort: { seq: 1 }, limit });
  return found.map(toLineOrVoid);
}

export async function byNumbers(db: Database, numbers: readonly number[]): Promise<Numbered[]> {
  const filter = { seq: { $in: [...numbers] } };
  const found = await readLines<LineDocument | VoidDocument>(db, 'by numbers', filter, { sort: { seq: 1 } });
  return found.map(toLineOrVoid);
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

export async function holders(db: Database): Promise<LineTask[]> {
  return (await readLines(db, 'holders', { ...GRANTED, state: OPEN })).map(toLine);
}

/** A grant moves its task on to wait for a worker, so nothing that waits for resources has one. */
export async function waitingForResources(db: Database, seq: number, limit: number): Promise<LineTask[]> {
  const filter = { waitingFor: 'resources', seq: { $gt: seq } };
  return (await readLines(db, 'waiting for resources', filter, { sort: { seq: 1 }, limit })).map(toLine);
}

export async function byIds(db: Database, ids: readonly string[]): Promise<LineTask[]> {
  const filter = { _id: { $in: [...ids] }, state: { $exists: true } };
  return (await readLines(db, 'by ids', filter, { hint: { _id: 1 } })).map(toLine);
}

export async function endedWithin(db: Database, ms: number): Promise<string[]> {
  const since = new Date((await serverNow(db)).getTime() - ms);
  const filter = { finishedAt: { $gte: since } };
  const options = { sort: { finishedAt: -1 }, limit: 10_000, projection: { _id: 1 } };
  return (await readLines(db, 'ended within', filter, options)).map(each => each._id);
}

export async function readyFor(db: Database, waitingFor: 'worker' | 'resources', ms: number, limit: number): Promise<LineTask[]> {
  const longSince = { $lte: ['$readyAt', { $subtract: ['$$NOW', ms] }] };
  return (await readLines(db, 'ready for', { waitingFor, $expr: longSince }, { sort: { seq: 1 }, limit })).map(toLine);
}

export async function line(db: Database, resource: string, limit: number): Promise<LineTask[]> {
  const either = (also: Document): Document => ({
    $or: [
      { ...also, exclusive: resource },
      { ...also, shared: resource },
    ],
  });
  const order = { sort: { seq: 1 }, limit };
  // In this order: a task that is granted between the two reads is in both, never in neither.
  const waiting = await readLines(db, 'line', either({ waitingFor: 'resources' }), order);
  const holding = await readLines(db, 'line, holders', either({ ...GRANTED, state: OPEN }), order);
  const held = new Set(holding.map(each => each._id));
  return [...holding, ...waiting.filter(each => !held.has(each._id))].slice(0, limit).map(toLine);
}
