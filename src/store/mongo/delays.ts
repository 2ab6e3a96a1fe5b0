import type { Document, Filter } from 'mongodb';
import type { Task } from '../../core/task.js';
import type { Delayed, Ended } from '../tasks.js';
import { LIMIT, read } from './calls.js';
import { serverNow, type Database } from './database.js';
import { hasCome, orStillUnclear, pick, updateTasks, without } from './pipelines.js';
import { soundOnes } from './damage.js';
import { newPlace, readMoved, WHAT_IT_NEEDS } from './places.js';
import { ENDED_PROJECTION, LINE_PROJECTION, toEnded, toLine, type TaskDocument } from './task-documents.js';

const DELAYED = { $in: ['delay', 'retry'] as Delayed['waitingFor'][] };

export async function due(db: Database, limit: number): Promise<Delayed[]> {
  const filter = { dueAt: { $lte: await serverNow(db) }, waitingFor: DELAYED };
  const options = { ...LIMIT, sort: { dueAt: 1 }, limit, projection: LINE_PROJECTION } as const;
  const sound = await soundOnes(db.damage, async withoutIds => {
    const found = await read('due', () => db.tasks.find({ ...filter, _id: { $nin: withoutIds } }, options).toArray());
    return found.map(toLine);
  });
  return sound.map(({ id, waitingFor, grant }) => ({
    id,
    waitingFor: waitingFor as Delayed['waitingFor'],
    holds: grant !== undefined,
  }));
}

/**
 * A number that was closed meanwhile stops the command midway, with the earlier tasks moved; the rest stays due and gets
 * new numbers next time.
 */
export async function promote(db: Database, tasks: readonly Delayed[], firstSeq: number): Promise<Task[]> {
  if (tasks.length === 0) return [];
  const ids = tasks.map(each => each.id);
  const numbers = tasks.map((_, index) => firstSeq + index);
  const ready = { ...READY_NOW, ...newPlace(ids, numbers), waitingFor: WHAT_IT_NEEDS };
  const answer = await updateTasks(db, 'promote', ids, { guard: stillDue(tasks, { grant: null }), pipeline: [{ $set: ready }] });
  return orStillUnclear(answer, () => readMoved(db, { _id: { $in: ids }, seq: { $in: numbers } }));
}

/** Their place is where they hold, so that they need no number. */
export async function resume(db: Database, tasks: readonly Delayed[]): Promise<Task[]> {
  if (tasks.length === 0) return [];
  const guard = stillDue(tasks, { 'grant.fence': { $gt: 0 } });
  const ids = tasks.map(each => each.id);
  const answer = await updateTasks(db, 'resume', ids, { guard, pipeline: [{ $set: { ...READY_NOW, waitingFor: 'worker' } }] });
  return orStillUnclear(answer, () => readMoved(db, { _id: { $in: ids }, waitingFor: 'worker', 'grant.fence': { $gt: 0 } }));
}

const READY_NOW = { readyAt: '$$NOW', ...without('dueAt') };

function stillDue(tasks: readonly Delayed[], grant: Document): Filter<TaskDocument> {
  const ids = tasks.map(each => each.id);
  const words = tasks.map(each => each.waitingFor);
  const stillDelayed = { $eq: ['$waitingFor', pick(ids, words)] };
  return {
    state: 'waiting' as const,
    dueAt: { $exists: true },
    ...grant,
    $expr: { $and: [{ $lte: ['$dueAt', '$$NOW'] }, stillDelayed] },
  };
}

export async function expire(db: Database, limit: number): Promise<Ended[]> {
  const late = { expiresAt: { $lte: await serverNow(db) }, state: 'waiting' as const };
  const found = await read('expired', () =>
    db.tasks.find(late, { ...LIMIT, sort: { expiresAt: 1 }, limit, projection: ENDED_PROJECTION }).toArray(),
  );
  if (found.length === 0) return [];
  const ids = found.map(each => each._id);
  const guard = { ...hasCome('expiresAt'), state: 'waiting' as const };
  const over = {
    state: 'canceled',
    reason: 'expired',
    finishedAt: '$$NOW',
    ...without('waitingFor', 'dueAt', 'grant', 'uniqueKey'),
  };
  const answer = await updateTasks(db, 'expire', ids, { guard, pipeline: [{ $set: over }] });
  if (answer === ids.length) return found.map(toEnded);
  return orStillUnclear(answer, async () => {
    const filter = { _id: { $in: ids }, state: 'canceled' as const, reason: 'expired' as const };
    const moved = await read('expire, read back', () =>
      db.tasks.find(filter, { projection: ENDED_PROJECTION, hint: { _id: 1 }, ...LIMIT }).toArray(),
    );
    return moved.map(toEnded);
  });
}
