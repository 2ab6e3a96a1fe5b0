import type { BucketWrite } from './rates.js';
import type { Reservation } from '../core/reservation.js';

/** The two things that one process at a time may lead. */
export type LeaseName = 'resource-manager' | 'beat';

export interface Lease {
  name: LeaseName;
  holder: string;
  incarnation: string;
  /** Raised by every acquisition, also by the same holder. */
  epoch: number;
  /** The next fence number to give (resource manager). */
  fence: number;
  /** Every number at or below it is stored or void (resource manager). */
  floor: number;
}

export interface LeaseStore {
  /**
   * Takes the lease if it lapsed by server time (or was resigned), raising the epoch and naming the session in which this process
   * makes its grants. Where the old holder's open transaction blocks the write for 2 s, that session is killed and the write tried once more.
   * Undefined: somebody else holds it.
   */
  acquire(name: LeaseName, holder: { name: string; incarnation: string }, leaseMs: number): Promise<Lease | undefined>;
  /** Prolongs exactly this lease (name, holder, incarnation, epoch), writing `floor` too. False: it is lost. Never acquires. */
  renew(lease: Lease, leaseMs: number): Promise<boolean>;
  /** Lets the lease lapse at once, if it is still this one. */
  resign(lease: Lease): Promise<void>;
  read(
    name: LeaseName,
  ): Promise<{ holder: string; incarnation: string; epoch: number; live: boolean; floor: number } | undefined>;
}

/** Each of its counted claims names the capacity that the units of all holders together may not exceed; without one, there is none to give. */
export interface GrantRequest extends Reservation {
  id: string;
  maxAttempts: number;
  /** Bind to this worker. */
  worker?: string;
  /** Whose holding stands in nobody's way but others': it runs under their reservation. */
  lenders?: string[];
}

export type GrantVerdict =
  /** All of them carry their grants now; `fence` is the lease's next fence number. */
  | { kind: 'granted'; fence: number }
  /** At least one no longer waits for resources without a grant; nothing was written. Read them again. */
  | { kind: 'mismatch' }
  /** A granted task that is not final conflicts; nothing was written. The graph is wrong: rebuild. */
  | { kind: 'conflict'; holder: string }
  /** The lease is not this one any more. */
  | { kind: 'deposed' };

/** Of one queue and one task type: not everybody has each version of it. */
export interface Move {
  queue: string;
  name: string;
  version?: number;
  to?: string;
  /** Those that are bound to nobody, too. */
  unbound?: boolean;
}

export interface GrantStore {
  /**
   * One transaction: writes the lease (this epoch, this fence), checks that no other granted open task conflicts (its lenders excepted), gives every task its grant
   * and moves it to `waiting` for `worker`, `readyAt` now. At most 100. `buckets` are written with the grants that they allowed: all or nothing.
   * A transient write conflict is retried inside, at most 5 times.
   * Throws StoreError `unknown` when the commit's fate is unclear: step down and rebuild.
   */
  grant(lease: Lease, requests: readonly GrantRequest[], buckets?: readonly BucketWrite[]): Promise<GrantVerdict>;
  /**
   * Granted tasks of one queue and type (and of exactly this version, or none) that have not started and are bound to a worker other than these: binds them to `to`, or lets any worker of the
   * queue take them. Only under this lease's epoch. Resolves with their ids (at most 1,000).
   */
  unbind(lease: Lease, liveWorkers: readonly string[], move: Move): Promise<string[]>;
}
