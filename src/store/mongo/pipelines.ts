import type { Document, Filter, UpdateResult } from 'mongodb';
import { StoreError } from '../../core/errors.js';
import { LIMIT, writeOnce } from './calls.js';
import type { Database } from './database.js';
import type { TaskDocument } from './task-documents.js';

/** Values from outside enter a pipeline only through this: `$5 off` would otherwise be a field, `{$where}` an operator. */
export function literal(value: unknown): Document {
  return { $literal: value };
}

/**
 * The value that stands at this document's place: `values[ids.indexOf(_id)]`. The filter beside it must name the very same ids, because
 * `$arrayElemAt` takes the last value for an id that is not among them.
 */
export function pick(ids: readonly string[], values: readonly unknown[]): Document {
  return { $arrayElemAt: [literal(values), { $indexOfArray: [literal(ids), '$_id'] }] };
}

/**
 * `field` has come by server time: a guard for writes. No index bounds come of it (`$$NOW` is not a constant to the planner), so what looks for
 * such tasks reads the server's time first.
 */
export function hasCome(field: string): Document {
  return { [field]: { $exists: true }, $expr: { $lte: [`$${field}`, '$$NOW'] } };
}

/** In a `$set` stage, these fields are taken away. */
export function without(...fields: string[]): Document {
  return Object.fromEntries(fields.map(field => [field, '$$REMOVE']));
}

/**
 * One command that changes many tasks, each by its own values: half a millisecond a document, where a bulk of single updates needs two.
 * It is neither atomic nor retried: an error may leave any part of it done, so it is a value here, and the caller reads back.
 * Throws StoreError when certainly nothing was changed.
 */
export async function updateTasks(
  db: Database,
  what: string,
  ids: readonly string[],
  change: { guard: Filter<TaskDocument>; pipeline: Document[] },
): Promise<number | StoreError> {
  const filter = { _id: { $in: [...ids] }, ...change.guard };
  try {
    const result = await writeOnce<UpdateResult>(what, () =>
      // Without the hint the planner tries the partial indexes too, for every batch anew.
      db.tasks.updateMany(filter, change.pipeline, { hint: { _id: 1 }, ...LIMIT }),
    );
    return result.matchedCount;
  } catch (error) {
    if (error instanceof StoreError && error.outcome === 'unknown') return error;
    throw error;
  }
}

/** What a read-back throws: the answer to the write was unclear, and it is unclear still. */
export async function orStillUnclear<T>(answer: number | StoreError, readBack: () => Promise<T>): Promise<T> {
  try {
    return await readBack();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw answer instanceof StoreError ? answer : new StoreError(error.message, 'unknown', error);
  }
}
