import type { WaitingFor } from '../core/state.js';

/** All that has not ended, at a moment of server time. Every number is counted up to a cap and no further. */
export interface Backlog {
  now: Date;
  running: number;
  canceling: number;
  waiting: Record<WaitingFor, number>;
  /** Since when that task could start which could longest; judged by the first 100 of them in order of number. */
  readySince?: Date;
  /** Since when that task stands in its lines which does longest. */
  blockedSince?: Date;
  /** When the first and the last delay (or pause before a retry) ends. */
  dueFrom?: Date;
  dueUntil?: Date;
}
