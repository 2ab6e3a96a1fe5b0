import type { ProcessRecord, Registration, Told } from '../core/process.js';
import type { Wish } from '../core/wish.js';

/** A heartbeat that was taken: what is wanted of the process, if anything ever was. */
export interface Beaten {
  wish?: Wish;
}

/** All four roles; on a connection of its own, so that no task work is ever ahead of a heartbeat. */
export interface ProcessStore {
  /**
   * Writes the record as `live` with beat 0 and a lease of `ttlMs` by server time, where the name is free: no record, or one that is
   * stopped, or missing and settled, or already live with this incarnation (a repeated try). Resolves with the holder otherwise: live, or
   * missing and not yet settled. A wish of the former record stays as `wishOfSuccessor` says.
   */
  register(
    process: Registration,
    ttlMs: number,
  ): Promise<({ kind: 'registered' } & Beaten) | { kind: 'held'; by: ProcessRecord }>;
  /**
   * Raises the counter and prolongs the lease, if this incarnation is still live under its name, notes what it tells of itself, and brings back
   * what is wanted of it. Undefined: it is live no longer, or was taken over.
   */
  beat(
    name: string,
    incarnation: string,
    lease: { ttlMs: number; deadlineMs: number },
    told?: Partial<Told>,
  ): Promise<Beaten | undefined>;
  /**
   * Writes what is wanted of this incarnation, at server time, if it is live and its latest wish is the one that was read (`n - 1`, or none).
   * False: it has ended, or somebody else wished meanwhile. Throws StoreError; an unclear answer is read back by the wish's `id` inside.
   */
  wish(process: Pick<ProcessRecord, 'name' | 'incarnation' | 'wish'>, next: Omit<Wish, 'at'>): Promise<boolean>;
  /** Marks it stopped, if it is still live with this incarnation. */
  stop(name: string, incarnation: string): Promise<boolean>;
  /**
   * Marks a process missing if incarnation and counter are as watched; with `lapsed`, only if its lease also lapsed by server time
   * (a sweep); without, because the caller has proved it dead (a restart under its name).
   */
  declareMissing(process: Pick<ProcessRecord, 'name' | 'incarnation' | 'beat'>, condition: { lapsed: boolean }): Promise<boolean>;
  /** Notes that all is done that its loss asks for, if it is still missing with this incarnation. False: it is not. */
  settle(name: string, incarnation: string): Promise<boolean>;
  /**
   * Deletes records that ended (stopped, or missing and settled) more than `olderThanMs` ago by server time, at most `limit`. Resolves with
   * their names.
   */
  forget(olderThanMs: number, limit: number): Promise<string[]>;
  /** With everything. */
  get(name: string): Promise<ProcessRecord | undefined>;
  /**
   * Live ones first, then missing, then stopped ones, each newest start first; at most 1,000. Names with a pid in them pile up for days: a live
   * process must never be hidden behind them. Task types, which are the bulk of a worker's record, and counts only where they are asked for.
   */
  list(more?: { types?: boolean; counts?: boolean }): Promise<ProcessRecord[]>;
  /** Milliseconds until the earliest lease of a live process lapses, by server time; negative when one has. Undefined: nobody is live. */
  earliestLapseMs(): Promise<number | undefined>;
}
