export const DEFAULT_PRIORITY = 4;
/** Each level is worth this much waiting: whoever has waited longer than the difference comes first, so that nobody starves. */
export const LEVEL_MS = 15 * 60_000;

/**
 * Who starts first among tasks of a queue that could start: the least rank, then the least number. It holds for good, because all who wait grow old
 * alike: no index has to be written anew. `since`: accepted, or ready after a delay.
 */
export function rankOf(priority: number, since: Date): number {
  return since.getTime() - priority * LEVEL_MS;
}

/** Records of versions that did not age have no rank, and come first. */
export function byRank(a: { rank?: number; seq: number }, b: { rank?: number; seq: number }): number {
  if (a.rank === b.rank) return a.seq - b.seq;
  return (a.rank ?? -Infinity) - (b.rank ?? -Infinity);
}
