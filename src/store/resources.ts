import type { LineTask } from './tasks.js';

/** Counts of one resource end here. */
export const MAX_COUNTED = 1_000;
/** So many holders are named. */
export const MAX_HOLDERS = 10;

/** A resource that somebody holds or waits for: a plain name, a pattern, units or a limit. */
export interface ResourceUse {
  name: string;
  /** Who holds it or something that it has in common with it, lowest numbers first; at most `MAX_HOLDERS` are named. */
  holders: LineTask[];
  /** At most `MAX_COUNTED`, as `waiting`. */
  holding: number;
  waiting: number;
  /** When the first of those who wait was accepted. */
  oldest?: Date;
}

export interface ResourceStore {
  /** In order of name (by UTF-8 bytes), after this one. Throws StoreError. */
  inUse(limit: number, afterName?: string): Promise<ResourceUse[]>;
}
