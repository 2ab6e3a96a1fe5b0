import type { Document, Filter } from 'mongodb';
import { byRank } from '../../core/priority.js';
import type { TypeVersion } from '../../core/task-type.js';
import type { ProgressReport, Task } from '../../core/task.js';
import type { ClaimQuery } from '../tasks.js';
import { LIMIT, read, write } from './calls.js';
import type { Database } from './database.js';
import { soundOnes } from './damage.js';
import { OPEN, toTask, type TaskDocument } from './task-documents.js';

/** Only waiting tasks have `waitingFor`; naming the state as well would let the planner take the index of states. */
const READY = { waitingFor: 'worker' } as const;
const NOT_EXPIRED: Document = {
  // What is no date is read too, and found to be damaged.
  $or: [{ $ne: [{ $type: '$expiresAt' }, 'date'] }, { $gt: ['$expiresAt', '$$NOW'] }],
};
const ACTIVE = { $in: ['running', 'canceling'] as ('running' | 'canceling')[] };

/** These types, in their versions or older ones. A task without a version is for any. */
export function ofTypes(only: readonly TypeVersion[] | undefined): Document {
  if (!only) return {};
  const names = new Map<number, string[]>();
  for (const { name, version } of only) names.set(version, [...(names.get(version) ?? []), name]);
  const newer = [...names].map(([version, same]) => ({ name: { $in: same }, version: { $gt: version } }));
  return { name: { $in: only.map(({ name }) => name) }, ...(newer.length > 0 && { $nor: newer }) };
}

/** Two short index reads at once: free tasks of the queues, and tasks bound to this worker. */
export async function claimable(db: Database, { queues, worker, only, limit }: ClaimQuery): Promise<Task[]> {
  const ready = { ...READY, ...ofTypes(only), $expr: NOT_EXPIRED };
  const free = { ...ready, 'grant.worker': null, queue: { $in: queues } } as Filter<TaskDocument>;
  const bound = { ...ready, 'grant.worker': worker } as Filter<TaskDocument>;
  const found = await Promise.all([
    queues.length > 0 ? best(db, free, limit) : [],
    worker === undefined ? [] : best(db, bound, limit),
  ]);
  return found.flat().sort(byRank).slice(0, limit);
}

function best(db: Database, filter: Filter<TaskDocument>, limit: number): Promise<Task[]> {
  const options = { ...LIMIT, sort: { rank: 1, seq: 1 }, limit } as const;
  return soundOnes(db.damage, async withoutIds => {
    const sound = withoutIds.length === 0 ? filter : { ...filter, _id: { $nin: withoutIds } };
    return (await read('claim', () => db.tasks.find(sound, options).toArray())).map(toTask);
  });
}

export async function namedBy(db: Database, incarnation: string): Promise<Task[]> {
  const filter = { 'run.incarnation': incarnation, state: OPEN };
  const found = await read('named by', () => db.tasks.find(filter, LIMIT).toArray());
  return [...db.damage.note(found.map(toTask))];
}

export async function active(db: Database, limit: number, afterId?: string): Promise<Task[]> {
  const filter: Filter<TaskDocument> = { state: ACTIVE, ...(afterId === undefined ? {} : { _id: { $gt: afterId } }) };
  const found = await read('active', () => db.tasks.find(filter, { ...LIMIT, sort: { _id: 1 }, limit }).toArray());
  return [...db.damage.note(found.map(toTask))];
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
