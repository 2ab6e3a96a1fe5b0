import type { Task } from '../../../src/core/task.js';
import type { GrantRequest, GrantVerdict, Lease, Move } from '../../../src/store/store.js';
import type { SimulatedDatabase } from './database.js';
import { held } from './leases.js';
import { changed } from './records.js';
import { holds } from './tasks-lines.js';

const UNBIND_LIMIT = 1_000;

/** As one transaction: the lease, the conflicts, the grants; nothing is written before all of it is known to hold. */
export function grant(db: SimulatedDatabase, lease: Lease, requests: readonly GrantRequest[]): GrantVerdict {
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
  const own = new Set(requests.map(request => request.id));
  const exclusive = new Set(requests.flatMap(request => request.exclusive));
  const any = new Set([...exclusive, ...requests.flatMap(request => request.shared)]);
  for (const task of db.tasks.open()) {
    if (!holds(task) || own.has(task.id)) continue;
    if (task.exclusive.some(name => any.has(name)) || task.shared.some(name => exclusive.has(name))) return task.id;
  }
  return undefined;
}

/** The first of the batch that an earlier one of it would keep out. */
function rivalInBatch(requests: readonly GrantRequest[]): string | undefined {
  const holders: GrantRequest[] = [];
  for (const request of requests) {
    const rival = holders.find(holder => excludes(holder, request));
    if (rival) return rival.id;
    holders.push(request);
  }
  return undefined;
}

function excludes(holder: GrantRequest, wish: GrantRequest): boolean {
  const wanted = (name: string): boolean => wish.exclusive.includes(name) || wish.shared.includes(name);
  return holder.exclusive.some(wanted) || holder.shared.some(name => wish.exclusive.includes(name));
}

export function unbind(
  db: SimulatedDatabase,
  lease: Lease,
  liveWorkers: readonly string[],
  { queue, to, unbound }: Move,
): string[] {
  if (!held(db, lease)) return [];
  const elsewhere = ({ waitingFor, grant, queue: of }: Task): boolean => {
    if (waitingFor !== 'worker' || of !== queue || !grant) return false;
    return grant.worker === undefined ? unbound === true : !liveWorkers.includes(grant.worker);
  };
  const bound = [...db.tasks.open()].filter(elsewhere).slice(0, UNBIND_LIMIT);
  for (const task of bound) db.tasks.put({ ...task, grant: changed(task.grant!, { worker: to }) });
  return bound.map(task => task.id);
}
