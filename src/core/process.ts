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
}

export type Registration = Omit<ProcessRecord, 'beat' | 'leaseUntil' | 'state' | 'settled' | 'startedAt' | 'beatAt'>;
