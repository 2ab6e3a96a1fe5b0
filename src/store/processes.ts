import type { ProcessRecord, Registration } from '../core/process.js';

/** All four roles; on a connection of its own, so that no task work is ever ahead of a heartbeat. */
export interface ProcessStore {
  /**
   * Writes the record as `live` with beat 0 and a lease of `ttlMs` by server time, where the name is free: no record, or one that is
   * missing or stopped, or already this incarnation (a repeated try). Resolves with the live holder otherwise.
   */
  register(process: Registration, ttlMs: number): Promise<{ kind: 'registered' } | { kind: 'held'; by: ProcessRecord }>;
  /** Raises the counter and prolongs the lease, if this incarnation is still live under its name. False: it is not, or was taken over. */
  beat(name: string, incarnation: string, ttlMs: number, deadlineMs: number): Promise<boolean>;
  /** Marks it stopped, if it is still live with this incarnation. */
  stop(name: string, incarnation: string): Promise<boolean>;
  /**
   * Marks a process missing if incarnation and counter are as watched; with `lapsed`, only if its lease also lapsed by server time
   * (a sweep); without, because the caller has proved it dead (a restart under its name).
   */
  declareMissing(process: Pick<ProcessRecord, 'name' | 'incarnation' | 'beat'>, condition: { lapsed: boolean }): Promise<boolean>;
  get(name: string): Promise<ProcessRecord | undefined>;
  /**
   * Live ones first, then missing, then stopped ones, each newest start first; at most 1,000. Names with a pid in them pile up for days: a live
   * process must never be hidden behind them.
   */
  list(): Promise<ProcessRecord[]>;
  /** Incarnations that are live now (state only; leases are for the sweep). Majority read. */
  liveIncarnations(): Promise<Set<string>>;
  /** Milliseconds until the earliest lease of a live process lapses, by server time; negative when one has. Undefined: nobody is live. */
  earliestLapseMs(): Promise<number | undefined>;
}
