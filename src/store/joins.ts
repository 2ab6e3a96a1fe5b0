import type { Join } from '../core/join.js';
import type { Json } from '../core/json.js';
import type { State } from '../core/state.js';
import type { Task, TaskError } from '../core/task.js';

/** A task that waits for others. */
export interface Dependent {
  id: string;
  seq: number;
  after: string[];
  join: Join;
}

/** What became of a task that another one comes after. */
export interface Dependency {
  id: string;
  state: State;
  result?: Json;
  error?: TaskError;
}

/** Tasks that come after others. What they wait for is what the records of those others say; nothing is counted (docs/decisions/joins.md). */
export interface JoinStore {
  /** Those that still wait, and come after any of these (at most 1,000 ids). */
  dependentsOf(ids: readonly string[]): Promise<Dependent[]>;
  /** All that still wait, in order of number, above `seq`. */
  waiting(seq: number, limit: number): Promise<Dependent[]>;
  /** States by id, of those that are there; a majority read that is not older than what this process has written. */
  states(ids: readonly string[]): Promise<Map<string, State>>;
  /** With what they returned. */
  outcomes(ids: readonly string[]): Promise<Dependency[]>;
  /** Makes them ready (or leaves them to their delay) with fresh numbers from `firstSeq`. Resolves with those that moved. */
  release(ids: readonly string[], firstSeq: number): Promise<Task[]>;
  /** Ends them as `skipped` (`dependency-failed`). Resolves with the ids of those that are, also by an earlier try. */
  skip(ids: readonly string[]): Promise<string[]>;
}
