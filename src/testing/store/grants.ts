import { claimsOf, conflicts, type Reservation } from '../../core/reservation.js';
import type { Task } from '../../core/task.js';
import type { BucketWrite, GrantRequest, GrantVerdict, Lease, Move } from '../../store/store.js';
import type { SimulatedDatabase } from './database.js';
import { held } from './leases.js';
import { writeBuckets } from './rates.js';
import { changed } from './records.js';
import { holds } from './tasks-lines.js';

const UNBIND_LIMIT = 1_000;

/** As one transaction: the lease, the conflicts, the grants; nothing is written before all of it is known to hold. */
export function grant(
  db: SimulatedDatabase,
  lease: Lease,
  requests: readonly GrantRequest[],
  buckets: readonly BucketWrite[] = [],
): GrantVerdict {
  if (requests.length === 0) return { kind: 'granted', fence: lease.fence };
  const rival = rivalInBatch(requests);
  if (rival !== undefined) return { kind: 'conflict', holder: rival };
  const record = held(db, lease);
  if (record?.fence !== lease.fence) return { kind: 'deposed' };
  const holder = conflictingHolder(db, requests);
  if (holder !== undefined) return { kind: 'conflict', holder };
  const tasks = waitingTasks(db, requests);
  if (tasks.size !== requests.length) return { kind: 'mismatch' };
  const now = db.now();
  let fence = lease.fence;
  for (const { id, worker, maxAttempts } of requests) {
    const given = { fence, epoch: lease.epoch, at: now, ...(worker === undefined ? {} : { worker }) };
    db.tasks.put({ ...tasks.get(id)!, waitingFor: 'worker', readyAt: now, grant: given });
    fence += maxAttempts;
  }
  writeBuckets(db, buckets);
  db.leases.put(lease.name, { ...record, fence });
  return { kind: 'granted', fence };
}

/** Those that wait for resources without a grant. */
function waitingTasks(db: SimulatedDatabase, requests: readonly GrantRequest[]): Map<string, Task> {
  const tasks = new Map<string, Task>();
  for (const { id } of requests) {
    const task = db.tasks.get(id);
    if (task?.state === 'waiting' && task.waitingFor === 'resources' && !task.grant) tasks.set(id, task);
  }
  return tasks;
}

/** The resources are the request's, not the record's: they never change, and one of the batch is no rival of another. */
function conflictingHolder(db: SimulatedDatabase, requests: readonly GrantRequest[]): string | undefined {
  const batch = requests.map(request => request.id);
  const plain = requests.filter(({ lenders }) => lenders === undefined);
  const borrowers = requests.filter(({ lenders }) => lenders !== undefined);
  const found = [
    conflicting(db, plain, new Set(batch)),
    ...borrowers.map(each => conflicting(db, [each], new Set([...batch, ...(each.lenders ?? [])]))),
  ];
  return found.find(holder => holder !== undefined);
}

function conflicting(db: SimulatedDatabase, requests: readonly GrantRequest[], own: ReadonlySet<string>): string | undefined {
  const holders = [...db.tasks.open()].filter(task => holds(task) && !own.has(task.id));
  const opposed = holders.find(holder => requests.some(request => excludes(holder, request)));
  return opposed?.id ?? overfull([...holders, ...requests], requests);
}

/** Of those who count towards a resource of which more would be held than there is, the first. */
function overfull(all: readonly (Reservation & { id: string })[], requests: readonly GrantRequest[]): string | undefined {
  for (const { name, capacity = 0 } of requests.flatMap(request => request.counted ?? [])) {
    const counting = all.filter(({ counted = [] }) => counted.some(each => each.name === name));
    const units = counting.flatMap(({ counted = [] }) => counted.flatMap(each => (each.name === name ? [each.units] : [])));
    if (units.reduce((sum, each) => sum + each, 0) > capacity) return counting[0]?.id;
  }
  return undefined;
}

/** The first of the batch that an earlier one of it would keep out. */
function rivalInBatch(requests: readonly GrantRequest[]): string | undefined {
  for (const [at, request] of requests.entries()) {
    const rival = requests.slice(0, at).find(earlier => excludes(earlier, request));
    if (rival) return rival.id;
  }
  return undefined;
}

function excludes(holder: Reservation, wish: Reservation): boolean {
  const wished = claimsOf(wish);
  return claimsOf(holder).some(theirs => wished.some(claim => conflicts(theirs, claim)));
}

export function unbind(
  db: SimulatedDatabase,
  lease: Lease,
  liveWorkers: readonly string[],
  { queue, name, version, to, unbound }: Move,
): string[] {
  if (!held(db, lease)) return [];
  const elsewhere = ({ waitingFor, grant, ...task }: Task): boolean => {
    const same = task.queue === queue && task.name === name && task.version === version;
    if (waitingFor !== 'worker' || !same || !grant) return false;
    return grant.worker === undefined ? unbound === true : !liveWorkers.includes(grant.worker);
  };
  const bound = [...db.tasks.open()].filter(elsewhere).slice(0, UNBIND_LIMIT);
  for (const task of bound) db.tasks.put({ ...task, grant: changed(task.grant!, { worker: to }) });
  return bound.map(task => task.id);
}
