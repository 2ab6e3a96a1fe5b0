import type { ClientSession, Filter } from 'mongodb';
import type { Lease, Move } from '../leases.js';
import type { Database } from './database.js';
import { held } from './leases.js';
import type { TaskDocument } from './task-documents.js';
import { STEP } from './transaction.js';

/** One pass moves this many tasks at most. */
const UNBIND_LIMIT = 1_000;

/** A step of a leader like a grant: the lease is written first, so that a deposed leader's late step meets its successor's write. */
export async function unbindOnce(
  db: Database,
  session: ClientSession,
  lease: Lease,
  { liveWorkers, queue, name, version, to, unbound = false }: Move & { liveWorkers: readonly string[] },
): Promise<{ commit: boolean; value: string[] }> {
  const nothing = { commit: false, value: [] };
  const leads = await db.leases.updateOne(held(lease), { $inc: { unbindings: 1 } }, { session, ...STEP });
  if (leads.matchedCount === 0) return nothing;
  const kind = { queue, name, version: version ?? null };
  const elsewhere = {
    waitingFor: 'worker',
    ...kind,
    'grant.worker': { $nin: [...liveWorkers], ...(unbound ? {} : { $gt: '' }) },
  };
  // Plain tasks are bound to nobody either, and can be many.
  const among = unbound ? { ...elsewhere, 'grant.fence': { $gt: 0 } } : elsewhere;
  const options = { projection: { _id: 1 }, limit: UNBIND_LIMIT, session, ...(unbound && { hint: 'holders' }), ...STEP };
  const found = await db.grantedTasks.find(among as Filter<TaskDocument>, options).toArray();
  if (found.length === 0) return nothing;
  const ids = found.map(each => each._id);
  const change = to === undefined ? { $unset: { 'grant.worker': 1 } } : { $set: { 'grant.worker': to } };
  await db.grantedTasks.updateMany({ _id: { $in: ids } }, change as object, { session, hint: { _id: 1 }, ...STEP });
  return { commit: true, value: ids };
}
