import type { AnyBulkWriteOperation, ClientSession, Document } from 'mongodb';
import type { StoredBucket } from '../../core/bucket.js';
import type { BucketWrite, RateStore } from '../rates.js';
import { LIMIT, read } from './calls.js';
import type { Database, RateDocument } from './database.js';
import { literal } from './pipelines.js';
import type { TaskDocument } from './task-documents.js';
import { STEP } from './transaction.js';

export function mongoRates(db: Database): RateStore {
  return {
    buckets: keys => buckets(db, keys),
    standing: (key, seq, cap) => standing(db, key, seq, cap),
  };
}

/** Part of a grant's transaction. Few: one for each key of which somebody is granted. */
export async function writeBuckets(db: Database, session: ClientSession, all: readonly BucketWrite[]): Promise<void> {
  if (all.length === 0) return;
  const writes = all.map(({ key, debtMs, ...bucket }): AnyBulkWriteOperation<RateDocument> => {
    const values = Object.fromEntries(Object.entries(bucket).map(([name, value]) => [name, literal(value)]));
    const update = [{ $set: { ...values, fullAt: { $add: ['$$NOW', Math.ceil(debtMs)] } } }];
    return { updateOne: { filter: { _id: key }, update, upsert: true } };
  });
  await db.grantedRates.bulkWrite(writes, { session, ...STEP });
}

type Found = RateDocument & { now: Date; tasks: Pick<TaskDocument, 'attempts' | 'grant' | 'run'>[] };

async function buckets(db: Database, keys: readonly string[]): Promise<StoredBucket[]> {
  const starts = { grant: 1, run: 1, 'attempts.grant': 1, 'attempts.startedAt': 1 };
  const last = { from: 'tasks', localField: 'last.task', foreignField: '_id', as: 'tasks', pipeline: [{ $project: starts }] };
  const pipeline = [{ $match: { _id: { $in: [...keys] } } }, { $lookup: last }, { $set: { now: '$$NOW' } }];
  const found = await read('buckets', () =>
    db.causality.read(db.bulk, session => db.rates.aggregate<Found>(pipeline, { ...LIMIT, session }).toArray()),
  );
  return found.filter(isSound).map(toStored);
}

/** One that somebody spoiled by hand is as good as none. */
function isSound({ count, perMs, seq, pending, last, fullAt }: Found): boolean {
  const numbers = [count, perMs, seq, pending, (last as Found['last'] | undefined)?.fence];
  return numbers.every(Number.isSafeInteger) && count > 0 && perMs > 0 && fullAt instanceof Date;
}

function toStored({ _id: key, count, perMs, seq, pending, last, fullAt, now, tasks }: Found): StoredBucket {
  const begunAt = tasks[0] && begunBy(tasks[0], last.fence);
  const lastBegunMsAgo = begunAt ? Math.max(0, now.getTime() - begunAt.getTime()) : tasks[0] ? null : undefined;
  return { ...{ key, count, perMs, seq, pending, last }, debtMs: fullAt.getTime() - now.getTime(), lastBegunMsAgo };
}

/** When a task was first started by this grant. */
function begunBy({ attempts, grant, run }: Found['tasks'][number], fence: number): Date | undefined {
  const ended = Array.isArray(attempts) ? attempts.find(each => each.grant?.fence === fence) : undefined;
  const at = ended ? (ended.grant?.begunAt ?? ended.startedAt) : grant?.fence === fence ? (grant.begunAt ?? run?.at) : undefined;
  return at instanceof Date ? at : undefined;
}

async function standing(db: Database, key: string, seq: number, cap: number): Promise<{ ahead: number; pending: number }> {
  const count = async (query: Document): Promise<number> => {
    const command = { count: 'tasks', query: { 'rate.key': key, ...query }, limit: cap, ...LIMIT };
    return Number((await read('standing in a rate', () => db.bulkDb.command(command))).n);
  };
  const [ahead, pending] = await Promise.all([
    count({ waitingFor: 'resources', seq: { $lt: seq } }),
    count({ waitingFor: 'worker' }),
  ]);
  return { ahead, pending };
}
