import type { Filter } from 'mongodb';
import { StoreError } from '../../core/errors.js';
import type { NewTask, Task } from '../../core/task.js';
import type { InsertVerdict } from '../tasks.js';
import { LIMIT, read, write } from './calls.js';
import { serverNow, type CounterDocument, type Database } from './database.js';
import { onlyDuplicates } from './errors.js';
import { findAndModify } from './find-and-modify.js';
import { orStillUnclear } from './pipelines.js';
import { toDocument, toTask, type TaskDocument } from './task-documents.js';

/**
 * The counter is written to one member only: the majority insert that follows carries it along, and where it does not come to that,
 * the unique index refuses a number that is given twice (docs/decisions/store-numbers.md).
 * A number taken in vain is closed later, so that even an unclear answer has done no harm.
 */
export async function takeNumbers(db: Database, count: number): Promise<number> {
  await db.highWater.sound();
  const above = db.highWater.seen.seq; // as it was before the question: answers may overtake each other
  const update = { $inc: { n: count }, $currentDate: { at: true } };
  const raise = () => findAndModify(db.bulkDb, 'counters', { query: { _id: 'seq' }, update, writeConcern: { w: 1 } });
  // Once more, as during an election: a number that is taken in vain does no harm.
  const counter = (await read('take numbers', () => raise().catch(raise))) as CounterDocument | null;
  if (!counter) throw new StoreError('The counter of acceptance numbers is missing: run `interlock manage-db`.', 'refused');
  if (counter.at) db.numbersAt.latest = counter.at;
  const first = counter.n - count + 1;
  if (first <= above) await db.highWater.sound(true);
  return first;
}

/** One command for all; whatever was not plainly stored is judged by what stands in the database. */
export async function insert(db: Database, tasks: readonly NewTask[], firstSeq: number): Promise<InsertVerdict[]> {
  if (tasks.length === 0) return [];
  const documents = await newDocuments(db, tasks, firstSeq);
  const answer = await insertEach(db, documents);
  if (answer === 'stored') return documents.map(document => ({ kind: 'stored', task: toTask(document) }));
  const found = await orStillUnclear(answer === 'duplicates' ? 0 : answer, () => rivalsOf(db, documents));
  return documents.map(document => verdictFrom(found, document) ?? absent(answer));
}

/** A document with which nothing clashes any more was certainly not stored if duplicates were all that went wrong. */
function absent(answer: 'duplicates' | StoreError): InsertVerdict {
  if (answer === 'duplicates') return { kind: 'seq-taken' };
  throw answer;
}

/**
 * `createdAt` and `readyAt` are the server time that came with the newest numbers of this process: an insert has no `$$NOW`,
 * and the insert follows its numbers at once.
 */
export async function newDocuments(db: Database, tasks: readonly NewTask[], firstSeq: number): Promise<TaskDocument[]> {
  const at = db.numbersAt.latest ?? (await serverNow(db));
  return tasks.map((task, index) => toDocument(task, firstSeq + index, at));
}

async function insertEach(db: Database, documents: TaskDocument[]): Promise<'stored' | 'duplicates' | StoreError> {
  try {
    return await write('insert', async () => {
      try {
        await db.tasks.insertMany(documents, { ordered: false, ...LIMIT });
        return 'stored';
      } catch (error) {
        if (onlyDuplicates(error)) return 'duplicates';
        throw error;
      }
    });
  } catch (error) {
    if (error instanceof StoreError && error.outcome === 'unknown') return error;
    throw error;
  }
}

/** Everything that a unique index could have held against these documents, themselves included. */
export async function rivalsOf(db: Database, documents: readonly TaskDocument[]): Promise<TaskDocument[]> {
  const any: Filter<TaskDocument>[] = [
    { _id: { $in: documents.map(each => each._id) } },
    { seq: { $in: documents.map(each => each.seq) } },
  ];
  for (const { idempotency, schedule, uniqueKey } of documents) {
    if (idempotency) any.push(sameKey(idempotency.principal, idempotency.key));
    if (uniqueKey !== undefined) any.push({ uniqueKey });
    if (schedule) any.push({ 'schedule.id': schedule.id, 'schedule.slot': schedule.slot });
  }
  return read('insert, read back', () => db.tasks.find({ $or: any }, LIMIT).toArray());
}

/** Its own record (an earlier try landed), else the task that has its key or slot, or its unique key, else whatever has its number. */
export function verdictFrom(found: readonly TaskDocument[], document: TaskDocument): InsertVerdict | undefined {
  const own = found.find(each => each._id === document._id);
  if (own) return { kind: 'stored', task: toTask(own) };
  const same = found.find(each => sharesKey(each, document) || sharesSlot(each, document));
  if (same) return { kind: 'duplicate', task: toTask(same) };
  const { uniqueKey } = document;
  const holder = uniqueKey === undefined ? undefined : found.find(each => each.uniqueKey === uniqueKey);
  if (holder) return { kind: 'occupied', task: toTask(holder) };
  return found.some(each => each.seq === document.seq) ? { kind: 'seq-taken' } : undefined;
}

function sharesKey({ idempotency: a }: TaskDocument, { idempotency: b }: TaskDocument): boolean {
  return a !== undefined && a.principal === b?.principal && a.key === b.key;
}

function sharesSlot({ schedule: a }: TaskDocument, { schedule: b }: TaskDocument): boolean {
  return a !== undefined && a.id === b?.id && a.slot.getTime() === b.slot.getTime();
}

function sameKey(principal: string, key: string): Filter<TaskDocument> {
  return { 'idempotency.principal': principal, 'idempotency.key': key };
}

export async function byIdempotencyKey(db: Database, principal: string, key: string): Promise<Task | undefined> {
  const document = await read('find by idempotency key', () => db.tasks.findOne(sameKey(principal, key), LIMIT));
  return document ? toTask(document) : undefined;
}
