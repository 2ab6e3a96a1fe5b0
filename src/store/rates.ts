import type { BucketRecord, StoredBucket } from '../core/bucket.js';

/** A bucket as it is written with the grants that it allowed; `debtMs` counts from the server's time of that write. */
export type BucketWrite = BucketRecord & { debtMs: number };

export interface RateStore {
  /** Those of these buckets that are stored; at most 1,000 keys. For the leader: by majority, and not older than its lease. */
  buckets(keys: readonly string[]): Promise<StoredBucket[]>;
  /**
   * For views: how many tasks of this key stand in line under a lower number than this one, counted up to `cap`, and how many were granted and have not
   * started (likewise).
   */
  standing(key: string, seq: number, cap: number): Promise<{ ahead: number; pending: number }>;
}
