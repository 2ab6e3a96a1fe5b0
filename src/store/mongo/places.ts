import type { Document, Filter } from 'mongodb';
import { LEVEL_MS } from '../../core/priority.js';
import type { Task } from '../../core/task.js';
import { LIMIT, read } from './calls.js';
import type { Database } from './database.js';
import { pick } from './pipelines.js';
import { toTask, type TaskDocument } from './task-documents.js';

/** What is no list has no empty one: a record that was damaged meanwhile stops nobody, and is not taken for one without resources. */
const PLAIN = {
  $and: [
    { $eq: ['$exclusive', []] },
    { $eq: ['$shared', []] },
    { $eq: [{ $type: '$counted' }, 'missing'] },
    { $eq: [{ $type: '$rate' }, 'missing'] },
  ],
};

/** What a task waits for once nothing else keeps it. */
export const WHAT_IT_NEEDS = { $cond: [PLAIN, 'worker', 'resources'] };

/** Of a task that becomes ready: a fresh number, and the rank of now. */
export function newPlace(ids: readonly string[], numbers: readonly number[]): Document {
  return { seq: pick(ids, numbers), rank: { $subtract: [{ $toLong: '$$NOW' }, { $multiply: ['$priority', LEVEL_MS] }] } };
}

/** What has become ready, by this write or an earlier try. The filter names the ids. */
export async function readMoved(db: Database, filter: Document): Promise<Task[]> {
  const found = await read('read back what is ready', () =>
    db.tasks.find(filter as Filter<TaskDocument>, { hint: { _id: 1 }, ...LIMIT }).toArray(),
  );
  return found.map(toTask);
}
