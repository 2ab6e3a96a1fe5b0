import type { ClientSession, Document, Filter } from 'mongodb';
import type { Task } from '../../core/task.js';
import type { Ended } from '../tasks.js';
import { LIMIT, read, within } from './calls.js';
import type { Database, ProcessDocument } from './database.js';
import { translated } from './errors.js';
import { without } from './pipelines.js';
import { ENDED_PROJECTION, toEnded, toTask, type TaskDocument } from './task-documents.js';
import { inTransaction, STEP } from './transaction.js';

const ACTIVE = { $in: ['running', 'canceling'] as ('running' | 'canceling')[] };
const CANCEL_LIMIT = 1_000;
/** All tries together. */
const CANCEL_MS = 10_000;

/**
 * Both reads in one causal session: the second is never from an older view than the first, also when an election moves the primary between
 * them. Else a worker that has just registered would be taken for dead, and its new task for lost.
 */
export async function activeOfTheDead(db: Database, limit: number, afterId?: string): Promise<{ tasks: Task[]; next?: string }> {
  return db.bulk.withSession({ causalConsistency: true }, async session => {
    const filter: Filter<TaskDocument> = { state: ACTIVE, ...(afterId === undefined ? {} : { _id: { $gt: afterId } }) };
    const page = { ...LIMIT, sort: { _id: 1 }, limit, session } as const;
    const active = await read('active', () => db.tasks.find(filter, page).toArray());
    const next = active.length === limit ? active.at(-1)?._id : undefined;
    const found = db.damage.note(active.map(toTask));
    const named = found.flatMap(({ run }) => (run ? [run.incarnation] : []));
    const live = await liveAmong(db, session, named);
    const tasks = found.filter(({ run }) => !live.has(run?.incarnation ?? ''));
    return next === undefined ? { tasks } : { tasks, next };
  });
}

export async function liveAmong(db: Database, session: ClientSession, incarnations: readonly string[]): Promise<Set<string>> {
  const named = new Set(incarnations);
  if (named.size === 0) return named;
  const filter = { state: 'live' as const, incarnation: { $in: [...named] } };
  const options = { ...LIMIT, projection: { incarnation: 1 }, session };
  // By the client of the tasks: a session belongs to one.
  const processes = db.bulkDb.collection<ProcessDocument>('processes');
  const found = await read('live incarnations', () => processes.find(filter, options).toArray());
  return new Set(found.map(each => each.incarnation));
}

/**
 * One view for the record of the worker and for the tasks, which are given to others, or started, only by changing them: so this meets
 * nothing that came later. It is committed also when there is nothing to do, because only the commit proves that the view was no old one.
 */
export async function cancelAssigned(db: Database, worker: { name: string; incarnation: string }): Promise<Ended[]> {
  try {
    return await db.vital.withSession(session =>
      within(
        CANCEL_MS,
        inTransaction(session, 'cancel assigned', async () => ({ commit: true, value: await cancelOnce(db, session, worker) })),
      ),
    );
  } catch (error) {
    throw translated(error, 'cancel assigned', 'unknown');
  }
}

async function cancelOnce(db: Database, session: ClientSession, worker: { name: string; incarnation: string }): Promise<Ended[]> {
  const { name, incarnation } = worker;
  const lost: Filter<ProcessDocument> = { _id: name, incarnation, state: 'missing', settled: { $ne: true } };
  if (!(await db.processes.findOne(lost, { projection: { _id: 1 }, session, ...STEP }))) return [];
  const bound = { waitingFor: 'worker', 'grant.worker': name, onWorkerLoss: 'cancel' } as Filter<TaskDocument>;
  const options = { projection: ENDED_PROJECTION, limit: CANCEL_LIMIT, session, ...STEP };
  const found = await db.grantedTasks.find(bound, options).toArray();
  if (found.length === 0) return [];
  const over: Document = { state: 'canceled', reason: 'worker-lost', finishedAt: '$$NOW' };
  const change = [{ $set: { ...over, ...without('waitingFor', 'dueAt', 'grant', 'uniqueKey') } }];
  await db.grantedTasks.updateMany({ _id: { $in: found.map(each => each._id) } }, change, { session, hint: { _id: 1 }, ...STEP });
  return found.map(toEnded);
}
