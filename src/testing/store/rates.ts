import type { StoredBucket } from '../../core/bucket.js';
import type { BucketWrite, RateStore } from '../../store/store.js';
import { atOnce } from './at-once.js';
import type { RateRecord, SimulatedDatabase } from './database.js';
import { later } from './processes.js';

export function simulatedRates(db: SimulatedDatabase): RateStore {
  return atOnce<RateStore>({
    buckets: keys => keys.flatMap(key => stored(db, db.rates.get(key)) ?? []),
    standing: (key, seq, cap) => {
      const ofKey = [...db.tasks.open()].filter(task => task.rate?.key === key);
      const ahead = ofKey.filter(task => task.waitingFor === 'resources' && task.seq < seq).length;
      const pending = ofKey.filter(task => task.waitingFor === 'worker').length;
      return { ahead: Math.min(cap, ahead), pending: Math.min(cap, pending) };
    },
  });
}

export function writeBuckets(db: SimulatedDatabase, buckets: readonly BucketWrite[]): void {
  for (const { debtMs, ...bucket } of buckets) {
    db.rates.put(bucket.key, { ...bucket, fullAt: later(db.now(), Math.ceil(debtMs)) });
  }
}

function stored(db: SimulatedDatabase, record: RateRecord | undefined): StoredBucket | undefined {
  if (!record) return undefined;
  const { fullAt, ...bucket } = record;
  return { ...bucket, debtMs: fullAt.getTime() - db.now().getTime(), lastBegunMsAgo: begunMsAgo(db, bucket.last) };
}

/** Since the first start by this grant. */
function begunMsAgo(db: SimulatedDatabase, { task: id, fence }: BucketWrite['last']): number | null | undefined {
  const task = db.tasks.get(id);
  if (!task) return undefined;
  const ended = task.attempts.find(each => each.grant?.fence === fence);
  const own = task.grant?.fence === fence ? (task.grant.begunAt ?? task.run?.at) : undefined;
  const at = ended ? (ended.grant?.begunAt ?? ended.startedAt) : own;
  return at ? Math.max(0, db.now().getTime() - at.getTime()) : null;
}
