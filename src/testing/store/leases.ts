import type { Lease, LeaseName, LeaseStore } from '../../store/store.js';
import type { LeaseRecord, SimulatedDatabase } from './database.js';
import { later } from './processes.js';

type Shown = Awaited<ReturnType<LeaseStore['read']>>;

/** No lease has a holder at first, and each has lapsed; the first fence is 1, since 0 means "no grant". */
function current(db: SimulatedDatabase, name: LeaseName): LeaseRecord {
  return db.leases.get(name) ?? { name, holder: '', incarnation: '', epoch: 0, until: new Date(0), fence: 1, floor: 0 };
}

export function acquire(
  db: SimulatedDatabase,
  name: LeaseName,
  holder: { name: string; incarnation: string },
  leaseMs: number,
): Lease | undefined {
  const now = db.now();
  const { until, epoch, fence, floor } = current(db, name);
  if (until > now) return undefined;
  const lease: Lease = { name, holder: holder.name, incarnation: holder.incarnation, epoch: epoch + 1, fence, floor };
  db.leases.put(name, { ...lease, until: later(now, leaseMs) });
  return lease;
}

/** The record, if this lease is still the one that it shows. */
export function held(db: SimulatedDatabase, lease: Lease): LeaseRecord | undefined {
  const record = current(db, lease.name);
  const same = record.holder === lease.holder && record.incarnation === lease.incarnation && record.epoch === lease.epoch;
  return same ? record : undefined;
}

export function renew(db: SimulatedDatabase, lease: Lease, leaseMs: number): boolean {
  const record = held(db, lease);
  if (!record) return false;
  const floor = Math.max(record.floor, lease.floor);
  db.leases.put(lease.name, { ...record, until: later(db.now(), leaseMs), floor });
  return true;
}

export function resign(db: SimulatedDatabase, lease: Lease): void {
  const record = held(db, lease);
  if (record) db.leases.put(lease.name, { ...record, until: new Date(0) });
}

export function readLease(db: SimulatedDatabase, name: LeaseName): Shown {
  const { holder, incarnation, epoch, until, floor } = current(db, name);
  return epoch === 0 ? undefined : { holder, incarnation, epoch, live: until > db.now(), floor };
}
