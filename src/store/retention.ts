import type { FinalState } from '../core/state.js';

/** Where a walk has got to. Tasks of one state come in the order of their ends. */
export interface EndedPlace {
  finishedAt: Date;
  id: string;
}

export interface EndedQuery {
  state: FinalState;
  /** Server time. */
  endedBefore: Date;
  limit: number;
  after?: EndedPlace | undefined;
}

export interface EndedPage {
  /** How many were changed. */
  done: number;
  /** How many are held back: see `RetentionStore`. */
  kept: number;
  /** The last that was looked at, changed or not. */
  last?: EndedPlace;
  /** Whether there may be more behind it. */
  full: boolean;
}

/**
 * Forgets what has ended. A task is held back as long as its group has a member that is open (which may come after it, and read its result), as long as
 * the task that spawned it is open (which may wait for it), and while its number lies above the floor of the resource manager (a leader would
 * take the hole for a number that is yet to come). Repeated at will; a call that lands late does no harm.
 */
export interface RetentionStore {
  /** Deletes tasks, of the next `limit` that ended in this state. Throws StoreError. */
  purge(query: EndedQuery): Promise<EndedPage>;
  /** Deletes those of these tasks (at most 1,000) that have ended and are not held back; resolves with how many. Throws StoreError. */
  purgeThese(ids: readonly string[]): Promise<number>;
  /** Drops the results of the next `limit` completed tasks, and notes that. Throws StoreError. */
  expireResults(query: Omit<EndedQuery, 'state'>): Promise<EndedPage>;
  /** Deletes groups without members, of the next `limit` that were created before (server time), in order of id. Throws StoreError. */
  removeEmptyGroups(
    createdBefore: Date,
    limit: number,
    afterId?: string,
  ): Promise<{ removed: number; last?: string; full: boolean }>;
}
