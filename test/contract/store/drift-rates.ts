import type { StoredBucket } from '../../../src/core/bucket.js';

const HOUR = 3_600_000;

/** As two stores tell it whose times differ by little. */
export function inHours({ key, debtMs, lastBegunMsAgo: ago, ...bucket }: StoredBucket): object {
  const began = ago === undefined ? 'unknown' : ago === null ? 'not yet' : 'began';
  return { ...bucket, name: key, began, hours: Math.round(debtMs / HOUR) };
}
