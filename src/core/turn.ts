import type { StoredBucket } from './bucket.js';
import { burstOf, intervalMsOf, limitText, type Rate } from './rate.js';
import { span } from './span.js';

/** What is known of a key when somebody asks. */
export interface RateFacts {
  /** Absent: nobody was granted by it lately, so that it is full. */
  bucket?: StoredBucket | undefined;
  /** Tasks of the key in line before it, and those that were granted and have not started. */
  ahead: number;
  pending: number;
}

/** A task's standing with its rate limit. */
export interface Turn {
  key: string;
  /** As `10/s`: the one that holds, which is that of the newest task of the key. */
  limit: string;
  /** 1 = next; null when it is not in line. */
  position: number | null;
  /** When it is granted if nobody before it leaves, and workers start them in time; null when it is not in line. */
  expectedAt: string | null;
}

/** `seq` is the task's own number, Infinity for one that is not stored yet, undefined for one that is not in line. */
export function turnOf(rate: Rate, seq: number | undefined, { bucket, ahead, pending }: RateFacts, now: Date): Turn {
  const limit = bucket && bucket.seq > (seq ?? 0) ? bucket : rate;
  const named = { key: rate.key, limit: limitText(limit) };
  if (seq === undefined) return { ...named, position: null, expectedAt: null };
  const intervalMs = intervalMsOf(limit);
  const capacityMs = burstOf(limit) * intervalMs;
  const debtMs = Math.min(capacityMs, Math.max(0, bucket?.debtMs ?? 0, pending * intervalMs));
  const waitMs = Math.max(0, debtMs + (ahead + 1) * intervalMs - capacityMs);
  return { ...named, position: ahead + 1, expectedAt: new Date(now.getTime() + waitMs).toISOString() };
}

/** Undefined where it is not in line. */
export function turnText({ key, limit, position, expectedAt }: Turn, pending: number, now: Date): string | undefined {
  if (position === null || expectedAt === null) return undefined;
  const inMs = new Date(expectedAt).getTime() - now.getTime();
  const place =
    position === 1 ? 'it is next' : `${position - 1} ${position === 2 ? 'task stands' : 'tasks stand'} in line before it`;
  const when = inMs > 0 ? `its turn is expected at ${expectedAt}, in ${span(inMs)}` : 'its turn is now';
  const ready =
    pending === 1
      ? ' One that was granted before has not started yet.'
      : ` ${pending} that were granted before have not started yet.`;
  return `the rate limit "${key}" (${limit}): ${place}, and ${when}.${pending > 0 ? ready : ''}`;
}
