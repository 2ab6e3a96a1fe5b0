import type { ClientSession, Filter } from 'mongodb';
import type { GrantRequest, GrantStore, GrantVerdict, Lease } from '../leases.js';
import type { BucketWrite } from '../rates.js';
import type { Database } from './database.js';
import type { GrantSession } from './grant-session.js';
import { held } from './leases.js';
import { pick } from './pipelines.js';
import { writeBuckets } from './rates.js';
import { anyConflict, rivalInBatch } from './rivals.js';
import type { TaskDocument } from './task-documents.js';
import { STEP } from './transaction.js';
import { unbindOnce } from './unbind.js';

export function mongoGrants(db: Database, session: GrantSession): GrantStore {
  return {
    grant: (lease, requests, buckets = []) => grant({ db, session }, lease, requests, buckets),
    unbind: (lease, liveWorkers, move) =>
      session.transaction('unbind', current => unbindOnce(db, current, lease, { liveWorkers, ...move })),
  };
}

async function grant(
  { db, session }: { db: Database; session: GrantSession },
  lease: Lease,
  requests: readonly GrantRequest[],
  buckets: readonly BucketWrite[],
): Promise<GrantVerdict> {
  if (requests.length === 0) return { kind: 'granted', fence: lease.fence };
  const rival = rivalInBatch(requests);
  if (rival !== undefined) return { kind: 'conflict', holder: rival };
  await db.highWater.sound();
  return session.transaction('grant', async current => {
    const step = await grantOnce(db, current, lease, requests);
    if (step.commit) await writeBuckets(db, current, buckets);
    return step;
  });
}

interface Step {
  commit: boolean;
  value: GrantVerdict;
}

/**
 * The lease comes first: whoever else leads, or takes over meanwhile, meets this write. Holders come by grants alone, so while this stands nobody new
 * can hold, and who holds may be asked beside the transaction: a quarter less time until the next in line has its grant (docs/decisions/hand-over.md).
 */
async function grantOnce(db: Database, session: ClientSession, lease: Lease, requests: readonly GrantRequest[]): Promise<Step> {
  const fence = lease.fence + requests.reduce((sum, request) => sum + request.maxAttempts, 0);
  const conflict = anyConflict(db, requests);
  conflict.catch(() => undefined); // awaited below, unless what comes before throws
  if (!(await advanceFence(db, session, lease, fence))) return { commit: false, value: { kind: 'deposed' } };
  const granted = await giveGrants(db, session, lease, requests);
  const holder = await conflict;
  if (holder !== undefined) return { commit: false, value: { kind: 'conflict', holder } };
  if (granted !== requests.length) return { commit: false, value: { kind: 'mismatch' } };
  return { commit: true, value: { kind: 'granted', fence } };
}

/** A transaction that only read the lease would not be stopped by a successor's write. */
async function advanceFence(db: Database, session: ClientSession, lease: Lease, fence: number): Promise<boolean> {
  const filter = { ...held(lease), fence: lease.fence };
  const result = await db.leases.updateOne(filter, { $set: { fence } }, { session, ...STEP });
  return result.matchedCount === 1;
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
