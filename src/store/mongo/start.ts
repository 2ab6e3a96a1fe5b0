import type { Document } from 'mongodb';
import { StoreError } from '../../core/errors.js';
import type { TypeVersion } from '../../core/task-type.js';
import type { Run, Task } from '../../core/task.js';
import type { Start } from '../tasks.js';
import { LIMIT, read, writeOnce } from './calls.js';
import { ofTypes } from './claim.js';
import { soundOnes } from './damage.js';
import type { Database } from './database.js';
import { findAndModify, type Modification } from './find-and-modify.js';
import { giveBack } from './finish.js';
import { literal, orStillUnclear, pick, updateTasks, without } from './pipelines.js';
import { OPEN, toTask, type TaskDocument } from './task-documents.js';

/** Starts them all by one command; a full count says that all are ours, anything else is read back by token. */
export async function start(db: Database, starts: readonly Start[], run: Omit<Run, 'at'>): Promise<Set<string>> {
  if (starts.length === 0) return new Set();
  await db.highWater.sound();
  const ids = starts.map(each => each.id);
  const guard = { state: 'waiting' as const, waitingFor: 'worker' as const, $expr: { $and: expectations(starts, run.worker) } };
  const answer = await updateTasks(db, 'start', ids, { guard, pipeline: [{ $set: running(run) }] });
  if (answer === new Set(ids).size) return new Set(ids);
  return orStillUnclear(answer, () => startedBy(db, ids, run.token));
}

/** As the caller read each task, bound to nobody else, not expired, not cancelled. */
function expectations(starts: readonly Start[], worker: string): Document[] {
  const ids = starts.map(each => each.id);
  return [
    {
      $eq: [
        '$attempt',
        pick(
          ids,
          starts.map(each => each.attempt),
        ),
      ],
    },
    {
      $eq: [
        { $ifNull: ['$grant.fence', 0] },
        pick(
          ids,
          starts.map(each => each.fence),
        ),
      ],
    },
    { $eq: [{ $ifNull: ['$grant.worker', literal(worker)] }, literal(worker)] },
    { $or: [{ $eq: [{ $type: '$expiresAt' }, 'missing'] }, { $gt: ['$expiresAt', '$$NOW'] }] },
    { $eq: [{ $type: '$cancel' }, 'missing'] },
  ];
}

/** An unclear answer is read back by the token; where that shows nothing, the write may still land. */
async function startOnce(db: Database, change: Modification, run: Omit<Run, 'at'>): Promise<TaskDocument | null> {
  try {
    return (await writeOnce('start', () => findAndModify(db.bulkDb, 'tasks', change))) as TaskDocument | null;
  } catch (error) {
    if (!(error instanceof StoreError) || error.outcome !== 'unknown') throw error;
    const own = { 'run.incarnation': run.incarnation, 'run.token': run.token, state: OPEN };
    const landed = await orStillUnclear(error, () => read('start, read back', () => db.tasks.findOne(own, LIMIT)));
    if (!landed) throw error;
    return landed;
  }
}

const MAJORITY = { w: 'majority', wtimeout: 5_000 } as const;

/** As plain a filter as it can be: expressions cost the server more than all the rest. The state is hidden from the planner, which has an index of it. */
function startable(queues: readonly string[]): Document {
  return {
    ...{ waitingFor: 'worker', 'grant.worker': null, queue: { $in: [...queues] } },
    ...{ attempt: { $gte: 0, $not: { $type: 'array' } }, run: { $exists: false }, cancel: { $exists: false } },
    $or: [{ expiresAt: { $exists: false } }, { $expr: { $gt: ['$expiresAt', '$$NOW'] } }],
    $expr: { $in: ['$state', ['waiting']] },
  };
}

/**
 * One command instead of two. What it takes turns out to be damaged only afterwards, and is given back; what it cannot take, or would mend
 * without being seen, is left to `claimable`: an attempt that is no number, an expiry that is no date, a run where there should be none.
 */
export async function startBest(
  db: Database,
  queues: readonly string[],
  run: Omit<Run, 'at'>,
  only?: readonly TypeVersion[],
): Promise<Task | undefined> {
  await db.highWater.sound();
  const change = { sort: { rank: 1, seq: 1 }, update: [{ $set: running(run) }], writeConcern: MAJORITY };
  const [started] = await soundOnes(db.damage, async withoutIds => {
    const query = { ...startable(queues), ...ofTypes(only), ...(withoutIds.length === 0 ? {} : { _id: { $nin: withoutIds } }) };
    const found = await startOnce(db, { query, ...change }, run);
    if (!found) return [];
    const task = toTask(found);
    if (task.damaged !== undefined) await giveBack(db, task.id, run.token);
    return [task];
  });
  return started;
}

/** `$$NOW` is the moment at which the command came: one that then waited, and finds its task itself, may find one that was ready only later. */
const AT = { $max: ['$$NOW', '$readyAt'] };

function running(run: Omit<Run, 'at'>): Document {
  return {
    state: 'running',
    ...without('waitingFor'),
    uniqueKey: { $cond: [{ $eq: ['$unique.while', 'waiting'] }, '$$REMOVE', '$uniqueKey'] },
    attempt: { $add: ['$attempt', 1] },
    startedAt: AT,
    run: {
      worker: literal(run.worker),
      incarnation: literal(run.incarnation),
      token: literal(run.token),
      at: AT,
    },
  };
}

async function startedBy(db: Database, ids: readonly string[], token: string): Promise<Set<string>> {
  const filter = { _id: { $in: [...ids] }, 'run.token': token };
  const found = await read('start, read back', () =>
    db.tasks.find(filter, { projection: { _id: 1 }, hint: { _id: 1 }, ...LIMIT }).toArray(),
  );
  return new Set(found.map(each => each._id));
}
