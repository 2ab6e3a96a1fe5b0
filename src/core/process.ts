import type { Counts, Vitals } from './counts.js';
import type { Wish } from './wish.js';

export type Role = 'api' | 'resource-manager' | 'worker' | 'beat';

/**
 * What becomes of work that was bound to a worker that went missing before it had started: `reassign` gives it to another one,
 * `cancelAssigned` (with eager assignment only) ends it with the worker, unless its type may run again after a loss.
 */
export type OnMissing = 'reassign' | 'cancelAssigned';

/** Where a process runs, precise enough to prove it dead from the same machine. */
export interface ProcessIdentity {
  host: string;
  bootId: string;
  pidNamespace: string;
  pid: number;
  /** Start time of the pid in clock ticks since boot: a pid alone may be reused. */
  startTicks: number;
}

/** A process as it stands in the database; `/workers` and `/status` show these. */
export interface ProcessRecord extends ProcessIdentity {
  name: string;
  role: Role;
  /** Fresh for every registration, never reused: what a write carries to prove who made it. */
  incarnation: string;
  /** Heartbeats so far. A watcher judges by whether this number moves, not by clocks. */
  beat: number;
  /** Server time. */
  leaseUntil: Date;
  state: 'live' | 'missing' | 'stopped';
  /** Of a missing one: what it left has been seen to. Only then is its name free again, and may the record be forgotten. */
  settled?: true;
  startedAt: Date;
  /** Server time of the last heartbeat. */
  beatAt: Date;
  /** Workers only. */
  queues: string[];
  /** Workers only: consumes nothing but its own queue. */
  dedicated: boolean;
  slots: number;
  versions: { interlock: string; node: string };
  /** Workers only, and absent where an older one writes the record. */
  pool?: 'prefork' | 'async';
  paused?: boolean;
  draining?: boolean;
  /** Up to which wish it does what it was asked for. */
  heeded?: number;
  /** Task types that its children have, as labels (`core/task-type.ts`); none while they start. Only where a reader asks for them. */
  types?: readonly string[];
  /** Of tasks that it met lately and left to others, the first 20. */
  unfamiliar?: readonly string[];
  stats?: WorkerStats;
  /** Since it began; only where a reader asks for them. */
  counts?: Counts;
  vitals?: Vitals;
  /** What somebody wants of it. */
  wish?: Wish;
}

/** Numbers of the last heartbeat. */
export interface WorkerStats {
  busy: number;
  /** Starts that wait here for a slot. */
  ahead: number;
  children: number;
  /** Resident memory; null where the system does not tell. */
  residentMiB: number | null;
  childrenMiB: number | null;
  /** Starts that ended here. */
  tasksRun: number;
  uptimeSeconds: number;
  /** Share of the time since the last heartbeat in which the supervisor's event loop was busy, 0 to 1. */
  loopUse: number;
}

/** What every process says of itself with its heartbeats. */
export type Measured = Pick<ProcessRecord, 'counts' | 'vitals'>;

/** What a worker says. */
export type Told = Pick<ProcessRecord, 'slots' | 'pool' | 'paused' | 'draining' | 'heeded' | 'types' | 'unfamiliar' | 'stats'> &
  Measured;

export type Registration = Omit<ProcessRecord, 'beat' | 'leaseUntil' | 'state' | 'settled' | 'startedAt' | 'beatAt' | 'wish'>;
