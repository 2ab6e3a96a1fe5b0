import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Db } from 'mongodb';

/** How the processes of a deployment do, looked at while it is under load. */
export interface Seen {
  /** MiB resident, by process, one a look. */
  resident: Record<string, number[]>;
  /** The longest time without a heartbeat, by process, in milliseconds of the server's clock. */
  gaps: Record<string, number>;
  /** States other than live, and processes that registered anew. */
  lost: string[];
  /** Open tasks, one a look. */
  open: number[];
}

interface ProcessDocument {
  _id: string;
  role: string;
  state: string;
  incarnation: string;
  beatAt: Date;
}

const EVERY_MS = 1_000;
/** Memory and open tasks are looked at with every fifth look. */
const SELDOM = 5;
export const MEMORY_SECONDS = (SELDOM * EVERY_MS) / 1_000;
const PAGE_BYTES = 4_096;
const MIB = 2 ** 20;

/** Looks until `over` aborts. `pids` are those whose memory counts, by name. */
export async function watch(db: Db, pids: Readonly<Record<string, number>>, over: AbortSignal): Promise<Seen> {
  const seen: Seen = { resident: {}, gaps: {}, lost: [], open: [] };
  const known = new Map<string, ProcessDocument>();
  for (let look = 0; !over.aborted; look += 1) {
    await lookAtProcesses(db, known, seen);
    if (look % SELDOM === 0) {
      for (const [name, pid] of Object.entries(pids)) (seen.resident[name] ??= []).push(residentMiB(pid));
      seen.open.push(await openTasks(db));
    }
    await sleep(EVERY_MS, undefined, { signal: over }).catch(() => undefined);
  }
  return seen;
}

export function openTasks(db: Db): Promise<number> {
  return db.collection('tasks').countDocuments({ state: { $in: ['waiting', 'running', 'canceling'] } }, { hint: 'state' });
}

/** A gap ends with the next heartbeat; one that has not ended is as long as the server's clock says. */
async function lookAtProcesses(db: Db, known: Map<string, ProcessDocument>, seen: Seen): Promise<void> {
  const projection = { role: 1, state: 1, incarnation: 1, beatAt: 1 };
  const processes = await db
    .collection<ProcessDocument>('processes')
    .find({ state: { $ne: 'stopped' } }, { projection })
    .toArray();
  const [{ now } = { now: new Date(0) }] = await db.aggregate<{ now: Date }>([{ $documents: [{ now: '$$NOW' }] }]).toArray();
  for (const process of processes) {
    const { _id: name, role, state, incarnation, beatAt } = process;
    const before = known.get(name);
    if (state !== 'live') seen.lost.push(`${role} ${name} is ${state}`);
    if (before && before.incarnation !== incarnation) seen.lost.push(`${role} ${name} registered anew`);
    const gap = Math.max(now.getTime() - beatAt.getTime(), before ? beatAt.getTime() - before.beatAt.getTime() : 0);
    seen.gaps[name] = Math.max(seen.gaps[name] ?? 0, gap);
    known.set(name, process);
  }
}

/** NaN of a process that is gone. */
function residentMiB(pid: number): number {
  try {
    return (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES) / MIB;
  } catch {
    return NaN;
  }
}
