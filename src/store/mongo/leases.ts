import type { Document } from 'mongodb';
import type { Lease, LeaseName, LeaseStore } from '../leases.js';
import { read, writeOnce } from './calls.js';
import type { Database, LeaseDocument } from './database.js';
import type { StoreLog } from './log.js';
import { isTimeLimit } from './errors.js';
import type { GrantSession } from './grant-session.js';
import { literal } from './pipelines.js';

const CALL_MS = 4_000;
const LIMIT = { maxTimeMS: 3_500 } as const;
/** A lapsed lease whose write takes longer is blocked by its old holder's open transaction. */
const BLOCKED_MS = 2_000;
const ACQUIRE_MS = 8_000;

interface Holder {
  name: string;
  incarnation: string;
}

export function mongoLeases(db: Database, session: GrantSession, log: StoreLog): LeaseStore {
  return {
    acquire: (name, holder, leaseMs) => acquire({ db, session, log }, name, holder, leaseMs),
    renew: (lease, leaseMs) => renew(db, lease, leaseMs),
    resign: lease => resign(db, lease),
    read: name => readLease(db, name),
  };
}

interface Parts {
  db: Database;
  session: GrantSession;
  log: StoreLog;
}

async function acquire(parts: Parts, name: LeaseName, holder: Holder, leaseMs: number): Promise<Lease | undefined> {
  await parts.db.highWater.sound();
  const seen = parts.db.highWater.seen;
  const take = (): Promise<LeaseDocument | null> => takeLapsed(parts, name, holder, leaseMs);
  const taken = await writeOnce(
    'acquire lease',
    async () => {
      try {
        return await take();
      } catch (error) {
        if (!isTimeLimit(error) || !(await killBlocker(parts, name))) throw error;
        return take();
      }
    },
    ACQUIRE_MS,
  );
  if (!taken) return undefined;
  const { incarnation, epoch, fence, floor } = taken;
  if (name === 'resource-manager' && (epoch <= seen.epoch || fence < seen.fence)) await parts.db.highWater.sound(true);
  return { name, holder: taken.holder, incarnation, epoch, fence, floor };
}

/** In a session of its own, whose time then tells how new a leader's reads must be. */
async function takeLapsed(parts: Parts, name: LeaseName, holder: Holder, leaseMs: number): Promise<LeaseDocument | null> {
  const { db } = parts;
  const lapsed = { _id: name, $expr: { $lte: ['$until', '$$NOW'] } };
  const mine = {
    holder: literal(holder.name),
    incarnation: literal(holder.incarnation),
    session: literal(parts.session.id),
    epoch: { $add: ['$epoch', 1] },
    until: { $add: ['$$NOW', leaseMs] },
  };
  return db.vital.withSession(async session => {
    const options = { returnDocument: 'after', maxTimeMS: BLOCKED_MS, session } as const;
    const taken = await db.leases.findOneAndUpdate(lapsed, [{ $set: mine }], options);
    if (taken) db.causality.note(session);
    return taken;
  });
}

/** Only a lapsed lease's session is ever killed: a slow server alone is no reason. */
async function killBlocker({ db, log }: Parts, name: LeaseName): Promise<boolean> {
  const lapsed = await db.leases.findOne({ _id: name, $expr: { $lte: ['$until', '$$NOW'] } }, { maxTimeMS: BLOCKED_MS });
  if (!lapsed?.session) return false;
  const { holder, epoch } = lapsed;
  log.warn('The lapsed lease is blocked by its old holder: its session is killed.', { lease: name, holder, epoch });
  const killed: Document = { killSessions: [{ id: lapsed.session }], ...LIMIT };
  await db.vital.db('admin').command(killed);
  return true;
}

/** Exactly this lease, as its holder knows it. */
export function held(lease: Lease): Pick<LeaseDocument, '_id' | 'holder' | 'incarnation' | 'epoch'> {
  return { _id: lease.name, holder: lease.holder, incarnation: lease.incarnation, epoch: lease.epoch };
}

async function renew(db: Database, lease: Lease, leaseMs: number): Promise<boolean> {
  const prolonged = { until: { $add: ['$$NOW', leaseMs] }, floor: { $max: ['$floor', lease.floor] } };
  const result = await writeOnce('renew lease', () => db.leases.updateOne(held(lease), [{ $set: prolonged }], LIMIT), CALL_MS);
  return result.matchedCount === 1;
}

async function resign(db: Database, lease: Lease): Promise<void> {
  await writeOnce('resign lease', () => db.leases.updateOne(held(lease), { $set: { until: new Date(0) } }, LIMIT), CALL_MS);
}

async function readLease(db: Database, name: LeaseName): ReturnType<LeaseStore['read']> {
  const pipeline = [{ $match: { _id: name, epoch: { $gt: 0 } } }, { $set: { live: { $gt: ['$until', '$$NOW'] } } }];
  const [found] = await read(
    'read lease',
    () => db.leases.aggregate<LeaseDocument & { live: boolean }>(pipeline, LIMIT).toArray(),
    CALL_MS,
  );
  if (!found) return undefined;
  const { holder, incarnation, epoch, live, floor } = found;
  return { holder, incarnation, epoch, live, floor };
}
