import type { ClientSession, Document, Filter } from 'mongodb';
import { StoreError } from '../../core/errors.js';
import type { GrantRequest, GrantStore, GrantVerdict, Lease } from '../leases.js';
import { LIMIT, read, within } from './calls.js';
import type { Database } from './database.js';
import { translated } from './errors.js';
import type { GrantSession } from './grant-session.js';
import { held } from './leases.js';
import { orStillUnclear, pick, updateTasks } from './pipelines.js';
import type { TaskDocument } from './task-documents.js';
import { inTransaction } from './transaction.js';

/** All tries of one grant together; a lease is trusted for 10 s, and what comes later than that would be in vain. */
const GRANT_MS = 8_000;
const STEP = { maxTimeMS: 5_000 } as const;
/** One pass takes the binding off this many tasks at most. */
const UNBIND_LIMIT = 1_000;
const OPEN = { $in: ['waiting', 'running', 'canceling'] as TaskDocument['state'][] };

export function mongoGrants(db: Database, session: GrantSession): GrantStore {
  return {
    grant: (lease, requests) => grant(db, session, lease, requests),
    unbind: (lease, liveWorkers) => unbind(db, lease, liveWorkers),
  };
}

async function grant(
  db: Database,
  session: GrantSession,
  lease: Lease,
  requests: readonly GrantRequest[],
): Promise<GrantVerdict> {
  if (requests.length === 0) return { kind: 'granted', fence: lease.fence };
  const rival = rivalInBatch(requests);
  if (rival !== undefined) return { kind: 'conflict', holder: rival };
  const { current } = session;
  try {
    const verdict = await within(
      GRANT_MS,
      inTransaction(current, 'grant', () => grantOnce(db, current, lease, requests)),
    );
    db.causality.note(current);
    return verdict;
  } catch (error) {
    const known = translated(error, 'grant', 'unknown');
    if (!(known instanceof StoreError) || known.outcome === 'unknown') session.replace();
    throw known;
  }
}

interface Step {
  commit: boolean;
  value: GrantVerdict;
}

/** The lease comes first: whoever else leads, or takes over meanwhile, meets this write. */
async function grantOnce(db: Database, session: ClientSession, lease: Lease, requests: readonly GrantRequest[]): Promise<Step> {
  const fence = lease.fence + requests.reduce((sum, request) => sum + request.maxAttempts, 0);
  if (!(await advanceFence(db, session, lease, fence))) return { commit: false, value: { kind: 'deposed' } };
  const holder = await conflictingHolder(db, session, requests);
  if (holder !== undefined) return { commit: false, value: { kind: 'conflict', holder } };
  const granted = await giveGrants(db, session, lease, requests);
  if (granted !== requests.length) return { commit: false, value: { kind: 'mismatch' } };
  return { commit: true, value: { kind: 'granted', fence } };
}

/** A transaction that only read the lease would not be stopped by a successor's write. */
async function advanceFence(db: Database, session: ClientSession, lease: Lease, fence: number): Promise<boolean> {
  const filter = { ...held(lease), fence: lease.fence };
  const result = await db.leases.updateOne(filter, { $set: { fence } }, { session, ...STEP });
  return result.matchedCount === 1;
}

/** The words of the partial indexes stand in each branch, so that each branch finds its index. */
async function conflictingHolder(
  db: Database,
  session: ClientSession,
  requests: readonly GrantRequest[],
): Promise<string | undefined> {
  const exclusive = requests.flatMap(request => request.exclusive);
  const any = [...exclusive, ...requests.flatMap(request => request.shared)];
  const held: Document = { 'grant.fence': { $gt: 0 }, state: OPEN, _id: { $nin: requests.map(request => request.id) } };
  const filter = {
    $or: [
      { ...held, exclusive: { $in: any } },
      { ...held, shared: { $in: exclusive } },
    ],
  } as Filter<TaskDocument>;
  const holder = await db.grantedTasks.findOne(filter, { projection: { _id: 1 }, session, ...STEP });
  return holder?._id;
}

async function giveGrants(
  db: Database,
  session: ClientSession,
  lease: Lease,
  requests: readonly GrantRequest[],
): Promise<number> {
  const ids = requests.map(request => request.id);
  const workers = requests.map(request => request.worker ?? null);
  let next = lease.fence;
  const fences = requests.map(({ maxAttempts }) => (next += maxAttempts) - maxAttempts);
  const filter = { _id: { $in: ids }, state: 'waiting', waitingFor: 'resources', grant: null } as unknown as Filter<TaskDocument>;
  const given = {
    waitingFor: 'worker',
    readyAt: '$$NOW',
    grant: { fence: pick(ids, fences), epoch: lease.epoch, at: '$$NOW', worker: { $ifNull: [pick(ids, workers), '$$REMOVE'] } },
  };
  const options = { session, hint: { _id: 1 }, ...STEP };
  const result = await db.grantedTasks.updateMany(filter, [{ $set: given }], options);
  return result.matchedCount;
}

/** The graph never puts two of a kind into one batch; if it did, no record would show it. */
function rivalInBatch(requests: readonly GrantRequest[]): string | undefined {
  const exclusive = new Map<string, string>();
  const shared = new Map<string, string>();
  for (const { id, ...wish } of requests) {
    const rival =
      wish.exclusive.map(name => exclusive.get(name) ?? shared.get(name)).find(holder => holder !== undefined) ??
      wish.shared.map(name => exclusive.get(name)).find(holder => holder !== undefined);
    if (rival !== undefined) return rival;
    for (const name of wish.exclusive) exclusive.set(name, id);
    for (const name of wish.shared) shared.set(name, id);
  }
  return undefined;
}

/**
 * Not fenced by a transaction: a deposed leader that comes late only lets any worker start what one worker should have,
 * and the record allows that.
 */
async function unbind(db: Database, lease: Lease, liveWorkers: readonly string[]): Promise<string[]> {
  const { name: _id, ...same } = { name: lease.name, epoch: lease.epoch };
  const leads = await read('unbind', () => db.leases.findOne({ _id, ...same }, { projection: { _id: 1 }, ...LIMIT }));
  if (!leads) return [];
  const bound = {
    state: 'waiting',
    waitingFor: 'worker',
    'grant.worker': { $gt: '', $nin: [...liveWorkers] },
  } as Filter<TaskDocument>;
  const found = await read('unbind', () =>
    db.tasks.find(bound, { projection: { _id: 1 }, limit: UNBIND_LIMIT, ...LIMIT }).toArray(),
  );
  if (found.length === 0) return [];
  const ids = found.map(each => each._id);
  const answer = await updateTasks(db, 'unbind', ids, { guard: bound, pipeline: [{ $unset: 'grant.worker' }] });
  if (answer === ids.length) return ids;
  return orStillUnclear(answer, async () => {
    const free = {
      _id: { $in: ids },
      state: 'waiting',
      waitingFor: 'worker',
      'grant.worker': null,
    } as unknown as Filter<TaskDocument>;
    const moved = await read('unbind, read back', () => db.tasks.find(free, { projection: { _id: 1 }, ...LIMIT }).toArray());
    return moved.map(each => each._id);
  });
}
