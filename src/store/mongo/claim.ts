import type { Document, Filter } from 'mongodb';
import type { ProgressReport, Task } from '../../core/task.js';
import type { ClaimQuery } from '../tasks.js';
import { LIMIT, read, write } from './calls.js';
import type { Database } from './database.js';
import { toTask, type TaskDocument } from './task-documents.js';

/** Only waiting tasks have `waitingFor`; naming the state as well would let the planner take the index of states. */
const READY = { waitingFor: 'worker' } as const;
const NOT_EXPIRED: Document = {
  $or: [{ $eq: [{ $type: '$expiresAt' }, 'missing'] }, { $gt: ['$expiresAt', '$$NOW'] }],
};
const ACTIVE = { $in: ['running', 'canceling'] as ('running' | 'canceling')[] };

/** Three short index reads at once: free tasks of the queues, tasks bound to this worker, and those that were hinted. */
export async function claimable(db: Database, query: ClaimQuery): Promise<Task[]> {
  const { queues, worker, hinted, limit } = query;
  const free = { ...READY, 'grant.worker': null, queue: { $in: queues }, $expr: NOT_EXPIRED } as Filter<TaskDocument>;
  const bound = { ...READY, 'grant.worker': worker, $expr: NOT_EXPIRED };
  const wanted = {
    ...READY,
    _id: { $in: hinted },
    'grant.worker': { $in: [null, worker] },
    $expr: NOT_EXPIRED,
  } as Filter<TaskDocument>;
  const found = await Promise.all([
    queues.length > 0 ? best(db, free, limit) : [],
    best(db, bound, limit),
    hinted.length > 0 ? read('claim hinted', () => db.tasks.find(wanted, { hint: { _id: 1 }, ...LIMIT }).toArray()) : [],
  ]);
  return inOrder(found.flat(), limit, new Set(hinted)).map(toTask);
}

function best(db: Database, filter: Filter<TaskDocument>, limit: number): Promise<TaskDocument[]> {
  return read('claim', () => db.tasks.find(filter, { ...LIMIT, sort: { priority: -1, seq: 1 }, limit }).toArray());
}

/** The best `limit`, and every hinted one beside them. */
function inOrder(found: readonly TaskDocument[], limit: number, hinted: Set<string>): TaskDocument[] {
  const each = new Map(found.map(document => [document._id, document]));
  const sorted = [...each.values()].sort((a, b) => b.priority - a.priority || a.seq - b.seq);
  return sorted.filter((document, place) => place < limit || hinted.has(document._id));
}

export async function namedBy(db: Database, incarnation: string): Promise<Task[]> {
  const filter = { 'run.incarnation': incarnation, state: ACTIVE };
  const found = await read('named by', () => db.tasks.find(filter, LIMIT).toArray());
  return found.map(toTask);
}

export async function active(db: Database, limit: number, afterId?: string): Promise<Task[]> {
  const filter: Filter<TaskDocument> = { state: ACTIVE, ...(afterId === undefined ? {} : { _id: { $gt: afterId } }) };
  const found = await read('active', () => db.tasks.find(filter, { ...LIMIT, sort: { _id: 1 }, limit }).toArray());
  return found.map(toTask);
}

export async function report(
  db: Database,
  run: { id: string; token: string },
  latest: { progress: ProgressReport[]; createdResources: string[] },
): Promise<boolean> {
  const { progress, createdResources } = latest;
  const filter = { _id: run.id, 'run.token': run.token, state: ACTIVE };
  const result = await write('report', () => db.tasks.updateOne(filter, { $set: { progress, createdResources } }, LIMIT));
  return result.matchedCount === 1;
}
