import { WAITING_FOR, type WaitingFor } from '../../core/state.js';
import type { Backlog } from '../backlog.js';
import { LIMIT, read } from './calls.js';
import { serverNow, type Database } from './database.js';
import type { TaskDocument } from './task-documents.js';
import { count } from './lists.js';

/** A grant may be young although its task has stood in line for long: the first in order of number is not always the one that was ready first. */
const GLANCE = 100;

/** Numbers from indexes that hold open tasks only, and a handful of documents: nothing of what it costs grows with what has ended. */
export async function backlog(db: Database, cap: number): Promise<Backlog> {
  const [now, running, canceling, waiting, readySince, [blocked], dueFrom, dueUntil] = await Promise.all([
    serverNow(db),
    count(db, { state: ['running'] }, cap),
    count(db, { state: ['canceling'] }, cap),
    Promise.all(WAITING_FOR.map(async what => [what, await waitingFor(db, what, cap)] as const)),
    earliestReady(db),
    firstInLine(db, 'resources', 1),
    dueAt(db, 1),
    dueAt(db, -1),
  ]);
  return {
    now,
    running,
    canceling,
    waiting: Object.fromEntries(waiting) as Record<WaitingFor, number>,
    ...(readySince && { readySince }),
    ...(blocked?.readyAt && { blockedSince: blocked.readyAt }),
    ...(dueFrom && { dueFrom }),
    ...(dueUntil && { dueUntil }),
  };
}

async function waitingFor(db: Database, what: WaitingFor, cap: number): Promise<number> {
  return read('count waiting', () => db.tasks.countDocuments({ waitingFor: what }, { limit: cap, ...LIMIT }));
}

type First = Pick<TaskDocument, 'readyAt' | 'grant'>;

async function firstInLine(db: Database, what: WaitingFor, limit: number): Promise<First[]> {
  const options = { ...LIMIT, sort: { seq: 1 }, limit, projection: { readyAt: 1, 'grant.at': 1 } } as const;
  return read('first in line', () => db.tasks.find<First>({ waitingFor: what }, options).toArray());
}

async function earliestReady(db: Database): Promise<Date | undefined> {
  const first = await firstInLine(db, 'worker', GLANCE);
  // One that was lost and may run again keeps its grant, and is ready anew.
  const times = first.map(({ grant, readyAt }) => Math.max(grant?.at.getTime() ?? 0, readyAt?.getTime() ?? 0));
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}

async function dueAt(db: Database, order: 1 | -1): Promise<Date | undefined> {
  const options = { ...LIMIT, sort: { dueAt: order }, projection: { dueAt: 1 } } as const;
  const found = await read('delays', () => db.tasks.findOne({ dueAt: { $exists: true } }, options));
  return found?.dueAt;
}
