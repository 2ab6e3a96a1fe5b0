import type { Document, Filter } from 'mongodb';
import type { Json } from '../../core/json.js';
import type { State } from '../../core/state.js';
import type { Task } from '../../core/task.js';
import type { Dependency, Dependent, JoinStore } from '../joins.js';
import { LIMIT, read } from './calls.js';
import type { Database } from './database.js';
import { orStillUnclear, updateTasks, without } from './pipelines.js';
import { newPlace, readMoved, WHAT_IT_NEEDS } from './places.js';
import type { TaskDocument } from './task-documents.js';

/** Word for word the filter of the partial index. */
const WAITS = { waitingFor: 'dependencies' } as const;
const AS_DEPENDENT = { seq: 1, after: 1, join: 1 } as const;

export function mongoJoins(db: Database): JoinStore {
  return {
    dependentsOf: ids => dependents(db, { ...WAITS, 'after.id': { $in: [...ids] } }),
    waiting: (seq, limit) => dependents(db, { ...WAITS, seq: { $gt: seq } }, limit),
    states: ids => states(db, ids),
    outcomes: ids => outcomes(db, ids),
    release: (ids, firstSeq) => release(db, ids, firstSeq),
    skip: ids => skip(db, ids),
  };
}

async function dependents(db: Database, filter: Document, limit = 0): Promise<Dependent[]> {
  const options = { ...LIMIT, projection: AS_DEPENDENT, sort: { seq: 1 }, limit } as const;
  const found = await read('dependents', () => db.tasks.find(filter as Filter<TaskDocument>, options).toArray());
  return found.map(({ _id: id, seq, after = [], join = 'all-success' }) => ({
    id,
    seq,
    join,
    after: after.map(each => each.id),
  }));
}

async function states(db: Database, ids: readonly string[]): Promise<Map<string, State>> {
  const options = { ...LIMIT, projection: { state: 1 }, hint: { _id: 1 } } as const;
  const found = await read('states', () => db.tasks.find({ _id: { $in: [...ids] } }, options).toArray());
  return new Map(found.map(({ _id, state }) => [_id, state]));
}

async function outcomes(db: Database, ids: readonly string[]): Promise<Dependency[]> {
  const options = { ...LIMIT, projection: { state: 1, result: 1, error: 1 }, hint: { _id: 1 } } as const;
  const found = await read('outcomes', () => db.tasks.find({ _id: { $in: [...ids] } }, options).toArray());
  return found.map(({ _id: id, state, result, error }) => ({
    ...{ id, state },
    ...(result !== undefined && { result: JSON.parse(result) as Json }),
    ...(error && { error }),
  }));
}

async function release(db: Database, ids: readonly string[], firstSeq: number): Promise<Task[]> {
  const numbers = ids.map((_, index) => firstSeq + index);
  const early = { $gt: ['$dueAt', '$$NOW'] };
  const ready = {
    ...newPlace(ids, numbers),
    waitingFor: { $cond: [early, 'delay', WHAT_IT_NEEDS] },
    dueAt: { $cond: [early, '$dueAt', '$$REMOVE'] },
    readyAt: { $cond: [early, '$$REMOVE', '$$NOW'] },
  };
  const guard = { state: 'waiting', ...WAITS } as const;
  const answer = await updateTasks(db, 'release dependents', ids, { guard, pipeline: [{ $set: ready }] });
  return orStillUnclear(answer, () => readMoved(db, { _id: { $in: [...ids] }, seq: { $in: numbers } }));
}

async function skip(db: Database, ids: readonly string[]): Promise<string[]> {
  const over = {
    state: 'skipped',
    reason: 'dependency-failed',
    finishedAt: '$$NOW',
    ...without('waitingFor', 'dueAt', 'uniqueKey'),
  };
  const guard = { state: 'waiting', ...WAITS } as const;
  const answer = await updateTasks(db, 'skip dependents', ids, { guard, pipeline: [{ $set: over }] });
  if (answer === ids.length) return [...ids];
  return orStillUnclear(answer, async () => {
    const filter = { _id: { $in: [...ids] }, state: 'skipped' as const, reason: 'dependency-failed' as const };
    const options = { projection: { _id: 1 }, hint: { _id: 1 }, ...LIMIT } as const;
    return (await read('skip, read back', () => db.tasks.find(filter, options).toArray())).map(each => each._id);
  });
}
