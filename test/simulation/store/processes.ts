import type { ProcessRecord, Registration } from '../../../src/core/process.js';
import type { ProcessStore } from '../../../src/store/store.js';
import type { SimulatedDatabase } from './database.js';

type Registered = Awaited<ReturnType<ProcessStore['register']>>;
type Watched = Pick<ProcessRecord, 'name' | 'incarnation' | 'beat'>;

const LIST_LIMIT = 1_000;

/** An incarnation that was declared missing is never revived: its holder needs a fresh one. */
export function register(db: SimulatedDatabase, process: Registration, ttlMs: number): Registered {
  const by = db.processes.get(process.name);
  if (by && (by.state === 'live') !== (by.incarnation === process.incarnation)) return { kind: 'held', by: { ...by } };
  const now = db.now();
  const times = { startedAt: now, beatAt: now, leaseUntil: later(now, ttlMs) };
  db.processes.put(process.name, { ...process, state: 'live', beat: 0, ...times });
  return { kind: 'registered' };
}

export function beat(db: SimulatedDatabase, name: string, incarnation: string, ttlMs: number): boolean {
  const record = live(db, name, incarnation);
  if (!record) return false;
  const now = db.now();
  db.processes.put(name, { ...record, beat: record.beat + 1, beatAt: now, leaseUntil: later(now, ttlMs) });
  return true;
}

export function stop(db: SimulatedDatabase, name: string, incarnation: string): boolean {
  const record = live(db, name, incarnation);
  if (!record) return false;
  db.processes.put(name, { ...record, state: 'stopped' });
  return true;
}

export function declareMissing(db: SimulatedDatabase, watched: Watched, { lapsed }: { lapsed: boolean }): boolean {
  const record = live(db, watched.name, watched.incarnation);
  if (record?.beat !== watched.beat) return false;
  if (lapsed && record.leaseUntil >= db.now()) return false;
  db.processes.put(record.name, { ...record, state: 'missing' });
  return true;
}

export function getProcess(db: SimulatedDatabase, name: string): ProcessRecord | undefined {
  const record = db.processes.get(name);
  return record && { ...record };
}

const PLACES = { live: 0, missing: 1, stopped: 2 } as const;

export function listProcesses(db: SimulatedDatabase): ProcessRecord[] {
  const all = [...db.processes.values()];
  all.sort((a, b) => PLACES[a.state] - PLACES[b.state] || b.startedAt.getTime() - a.startedAt.getTime());
  return all.slice(0, LIST_LIMIT).map(record => ({ ...record }));
}

export function liveIncarnations(db: SimulatedDatabase): Set<string> {
  const incarnations = new Set<string>();
  for (const record of db.processes.values()) if (record.state === 'live') incarnations.add(record.incarnation);
  return incarnations;
}

export function earliestLapseMs(db: SimulatedDatabase): number | undefined {
  let earliest = Infinity;
  for (const { state, leaseUntil } of db.processes.values()) {
    if (state === 'live') earliest = Math.min(earliest, leaseUntil.getTime());
  }
  return earliest === Infinity ? undefined : earliest - db.now().getTime();
}

function live(db: SimulatedDatabase, name: string, incarnation: string): ProcessRecord | undefined {
  const record = db.processes.get(name);
  return record?.state === 'live' && record.incarnation === incarnation ? record : undefined;
}

export function later(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms);
}
