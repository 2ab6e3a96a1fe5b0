import type { FinalState } from './state.js';

/**
 * How long what has ended is kept, in milliseconds from its end by server time; 0 is for ever. `results`: after that the result of a completed task is
 * dropped, and the task stays.
 */
export type Retention = Readonly<Record<FinalState | 'results', number>>;

/**
 * Nothing is forgotten sooner. A request that is sent again, a write that lands late, a slot of a schedule that is created twice: all of these find the
 * record of the first time, and none of them comes an hour later.
 */
export const MIN_RETENTION_SECONDS = 3_600;

/** A group without members is kept as long as any of its members could have been. Undefined: for ever. */
export function emptyGroupsMs({ completed, failed, canceled, skipped }: Retention): number | undefined {
  const longest = Math.max(completed, failed, canceled, skipped);
  return longest === 0 ? undefined : longest;
}
