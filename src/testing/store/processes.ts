import { wishOfSuccessor } from '../../core/command.js';
import type { ProcessRecord, Registration, Told } from '../../core/process.js';
import type { Wish } from '../../core/wish.js';
import type { ProcessStore } from '../../store/store.js';
import type { SimulatedDatabase, StoredProcess } from './database.js';
import { changed } from './records.js';

type Registered = Awaited<ReturnType<ProcessStore['register']>>;
type Beaten = Awaited<ReturnType<ProcessStore['beat']>>;
type Watched = Pick<ProcessRecord, 'name' | 'incarnation' | 'beat'>;

const LIST_LIMIT = 1_000;

export function register(db: SimulatedDatabase, process: Registration, ttlMs: number): Registered {
  const by = db.processes.get(process.name);
  if (by && !isFree(by, process.incarnation)) return { kind: 'held', by: shown(by) };
  const now = db.now();
  const times = { startedAt: now, beatAt: now, leaseUntil: later(now, ttlMs) };
  const wish = wishOfSuccessor(by);
  db.processes.put(process.name, { ...process, state: 'live', beat: 0, ...times, ...(wish && { wish }) });
  return { kind: 'registered', ...(wish && { wish }) };
}

/** An incarnation that was declared missing is never revived: its holder needs a fresh one. */
function isFree({ incarnation, state, settled }: ProcessRecord, mine: string): boolean {
  if (incarnation === mine) return state === 'live';
  return state === 'stopped' || (state === 'missing' && settled === true);
}

export function beat(
  db: SimulatedDatabase,
  { name, incarnation }: { name: string; incarnation: string },
  ttlMs: number,
  told: Partial<Told> = {},
): Beaten {
  const record = live(db, name, incarnation);
  if (!record) return undefined;
  const now = db.now();
  db.processes.put(name, { ...record, ...told, beat: record.beat + 1, beatAt: now, leaseUntil: later(now, ttlMs) });
  return record.wish ? { wish: record.wish } : {};
}

export function wish(
  db: SimulatedDatabase,
  read: Pick<ProcessRecord, 'name' | 'incarnation' | 'wish'>,
  next: Omit<Wish, 'at'>,
): boolean {
  const record = live(db, read.name, read.incarnation);
  if (!record || record.wish?.n !== read.wish?.n) return false;
  db.processes.put(read.name, { ...record, wish: { ...next, at: db.now() } });
  return true;
}

export function stop(db: SimulatedDatabase, name: string, incarnation: string): boolean {
  const record = live(db, name, incarnation);
  if (!record) return false;
  db.processes.put(name, { ...record, state: 'stopped', endedAt: db.now() });
  return true;
}

export function declareMissing(db: SimulatedDatabase, watched: Watched, { lapsed }: { lapsed: boolean }): boolean {
  const record = live(db, watched.name, watched.incarnation);
  if (record?.beat !== watched.beat) return false;
  if (lapsed && record.leaseUntil >= db.now()) return false;
  db.processes.put(record.name, { ...record, state: 'missing', endedAt: db.now() });
  return true;
}

export function settle(db: SimulatedDatabase, name: string, incarnation: string): boolean {
  const record = db.processes.get(name);
  if (record?.state !== 'missing' || record.incarnation !== incarnation) return false;
  db.processes.put(name, { ...record, settled: true });
  return true;
}

export function forget(db: SimulatedDatabase, olderThanMs: number, limit: number): string[] {
  const before = later(db.now(), -olderThanMs);
  const old = [...db.processes.values()].filter(({ endedAt, state, settled }) => {
    return endedAt !== undefined && endedAt < before && (state === 'stopped' || settled === true);
  });
  old.sort((a, b) => a.endedAt!.getTime() - b.endedAt!.getTime());
  const names = old.slice(0, limit).map(record => record.name);
  for (const name of names) db.processes.delete(name);
  return names;
}

export function getProcess(db: SimulatedDatabase, name: string): ProcessRecord | undefined {
  const record = db.processes.get(name);
  return record && shown(record);
}

function shown(record: StoredProcess): ProcessRecord {
  return changed<StoredProcess>(record, { endedAt: undefined });
}

const PLACES = { live: 0, missing: 1, stopped: 2 } as const;

export function listProcesses(db: SimulatedDatabase, { types = false, counts = false } = {}): ProcessRecord[] {
  const hidden = { ...(!types && { types: undefined }), ...(!counts && { counts: undefined }) };
  const all = [...db.processes.values()];
  all.sort((a, b) => PLACES[a.state] - PLACES[b.state] || b.startedAt.getTime() - a.startedAt.getTime());
  return all.slice(0, LIST_LIMIT).map(record => changed<ProcessRecord>(shown(record), hidden));
}

export function earliestLapseMs(db: SimulatedDatabase): number | undefined {
  let earliest = Infinity;
  for (const { state, leaseUntil } of db.processes.values()) {
    if (state === 'live') earliest = Math.min(earliest, leaseUntil.getTime());
  }
  return earliest === Infinity ? undefined : earliest - db.now().getTime();
}

function live(db: SimulatedDatabase, name: string, incarnation: string): StoredProcess | undefined {
  const record = db.processes.get(name);
  return record?.state === 'live' && record.incarnation === incarnation ? record : undefined;
}

export function later(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms);
}
