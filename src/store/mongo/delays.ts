import type { Task } from '../../core/task.js';
import { LIMIT, read } from './calls.js';
import { serverNow, type Database } from './database.js';
import { hasCome, orStillUnclear, pick, updateTasks, without } from './pipelines.js';
import { soundOnes } from './damage.js';
import { LINE_PROJECTION, toLine, toTask } from './task-documents.js';

interface Delayed {
  id: string;
  waitingFor: 'delay' | 'retry';
}
const DELAYED = { $in: ['delay', 'retry'] as Delayed['waitingFor'][] };

export async function due(db: Database, limit: number): Promise<Delayed[]> {
  const filter = { dueAt: { $lte: await serverNow(db) }, waitingFor: DELAYED };
  const options = { ...LIMIT, sort: { dueAt: 1 }, limit, projection: LINE_PROJECTION } as const;
  const sound = await soundOnes(db.damage, async withoutIds => {
    const found = await read('due', () => db.tasks.find({ ...filter, _id: { $nin: withoutIds } }, options).toArray());
    return found.map(toLine);
  });
  return sound.map(({ id, waitingFor }) => ({ id, waitingFor: waitingFor as Delayed['waitingFor'] }));
}

/**
 * A number that was closed meanwhile stops the command midway, with the earlier tasks moved; the rest stays due and gets
 * new numbers next time.
 */
export async function promote(db: Database, tasks: readonly Delayed[], firstSeq: number): Promise<Task[]> {
  if (tasks.length === 0) return [];
  const ids = tasks.map(each => each.id);
  const numbers = tasks.map((_, index) => firstSeq + index);
  const stillDelayed = {
    $eq: [
      '$waitingFor',
      pick(
        ids,
        tasks.map(each => each.waitingFor),
      ),
    ],
  };
  const guard = {
    state: 'waiting' as const,
    dueAt: { $exists: true },
    $expr: { $and: [{ $lte: ['$dueAt', '$$NOW'] }, stillDelayed] },
  };
  // What is no list has no empty one: a record that was damaged meanwhile stops nobody, and is not taken for one without resources.
  const plain = { $and: [{ $eq: ['$exclusive', []] }, { $eq: ['$shared', []] }] };
  const ready = {
    seq: pick(ids, numbers),
    waitingFor: { $cond: [plain, 'worker', 'resources'] },
    readyAt: '$$NOW',
    ...without('dueAt'),
  };
  const answer = await updateTasks(db, 'promote', ids, { guard, pipeline: [{ $set: ready }] });
  return orStillUnclear(answer, async () => {
    const filter = { _id: { $in: ids }, seq: { $in: numbers } };
    const moved = await read('promote, read back', () => db.tasks.find(filter, { hint: { _id: 1 }, ...LIMIT }).toArray());
    return moved.map(toTask);
  });
}

export async function expire(db: Database, limit: number): Promise<string[]> {
  const late = { expiresAt: { $lte: await serverNow(db) }, state: 'waiting' as const };
  const found = await read('expired', () =>
    db.tasks.find(late, { ...LIMIT, sort: { expiresAt: 1 }, limit, projection: { _id: 1 } }).toArray(),
  );
  if (found.length === 0) return [];
  const ids = found.map(each => each._id);
  const guard = { ...hasCome('expiresAt'), state: 'waiting' as const };
  const over = { state: 'canceled', reason: 'expired', finishedAt: '$$NOW', ...without('waitingFor', 'dueAt', 'grant') };
  const answer = await updateTasks(db, 'expire', ids, { guard, pipeline: [{ $set: over }] });
  if (answer === ids.length) return ids;
  return orStillUnclear(answer, async () => {
    const filter = { _id: { $in: ids }, state: 'canceled' as const, reason: 'expired' as const };
    const moved = await read('expire, read back', () =>
      db.tasks.find(filter, { projection: { _id: 1 }, hint: { _id: 1 }, ...LIMIT }).toArray(),
    );
    return moved.map(each => each._id);
  });
}
