import type { Json } from '../core/json.js';
import type { State } from '../core/state.js';
import type { EndReason, Task, TaskError } from '../core/task.js';

/** One start, and how often it has said what it waits for. */
export interface WaitingStart {
  id: string;
  token: string;
  /** From 1, one more each time: a late write never undoes a later one. */
  n: number;
  /** The highest that a child has had under its reservation. */
  fence?: number;
}

/** What became of a task that somebody waits for. */
export interface Awaited {
  id: string;
  name: string;
  state: State;
  result?: Json;
  error?: TaskError;
  reason?: EndReason;
  /** Of one that ran under another one's reservation: the highest that it had, or a child of its own under it. */
  fence?: number;
}

/** Tasks whose bodies wait for others (docs/decisions/awaiting.md). The truth about those others is in their own records. */
export interface WaitStore {
  /**
   * Notes, by token, whose ends this start waits for; none: it goes on. May be repeated. False: no longer its run. Throws StoreError (`unknown`: call
   * again with the same).
   */
  await(start: WaitingStart, tasks: readonly string[]): Promise<boolean>;
  /**
   * Notes, by token, that a running task lends its grant: it will not start again under it. May be repeated. Resolves with that grant's fence; undefined: it does
   * not run, holds nothing, or is being cancelled. Throws StoreError.
   */
  lend(id: string, token: string): Promise<number | undefined>;
  /** As they are now, in no order; those that do not exist are left out. A majority read; results only of those that completed. */
  awaited(ids: readonly string[]): Promise<Awaited[]>;
  /** Running tasks that wait for others, in order of number, above `seq`. */
  awaiting(seq: number, limit: number): Promise<Pick<Task, 'id' | 'seq'>[]>;
  /**
   * Ends a task that waits for resources under this number, without a grant, as failed. True: it is, also by an earlier try with this code. Throws StoreError.
   */
  failWaiting(id: string, seq: number, error: TaskError): Promise<boolean>;
}
