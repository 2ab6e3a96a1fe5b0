import { burstOf, intervalMsOf, sameLimit, type Limit } from './rate.js';

/** Sums of intervals that are no whole numbers may miss a whole token by a hair. */
const HAIR = 1e-6;

/**
 * The bucket of one key: who is granted takes a token, a new one comes every `perMs / count`, and it never holds more than one second's worth less what was
 * granted but has not begun to run. So whatever happens at once, tokens and those who are ready to start, is at most one second's worth, and the
 * starts in any time `w` are at most `burst + w · count / perMs`. Kept as a debt in milliseconds ("generic cell rate"): no timer, two numbers.
 * Times are of one monotonic clock and are given, in milliseconds.
 */
export class Bucket {
  #limit: Limit;
  /** When it would be full again, were it not for those who have not started. */
  #fullAtMs = -Infinity;
  #pending = 0;

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  get limit(): Limit {
    return this.#limit;
  }

  /** Granted, not begun. */
  get pending(): number {
    return this.#pending;
  }

  /** How long until it is full, if nobody else is granted and those who wait to start never do. */
  debtMs(now: number): number {
    const intervalMs = intervalMsOf(this.#limit);
    const debt = Math.max(0, this.#fullAtMs - now, this.#pending * intervalMs);
    return Math.min(debt, burstOf(this.#limit) * intervalMs);
  }

  /** How many may be granted now. */
  tokens(now: number): number {
    const intervalMs = intervalMsOf(this.#limit);
    const free = burstOf(this.#limit) - this.debtMs(now) / intervalMs;
    return Math.min(Math.max(0, Math.floor(free + HAIR)), Math.max(0, burstOf(this.#limit) - this.#pending));
  }

  /** Milliseconds until there is a token; Infinity while first of all somebody has to start. */
  waitMs(now: number): number {
    if (this.tokens(now) > 0) return 0;
    const intervalMs = intervalMsOf(this.#limit);
    if (this.#pending >= burstOf(this.#limit)) return Infinity;
    return Math.max(0, this.debtMs(now) - (burstOf(this.#limit) - 1) * intervalMs);
  }

  /** So many were granted. */
  take(count: number, now: number): void {
    this.#fullAtMs = now + this.debtMs(now) + count * intervalMsOf(this.#limit);
    this.#pending += count;
  }

  /** One that was granted has begun, or never will. */
  begun(now: number): void {
    this.#fullAtMs = now + this.debtMs(now); // up to now it could have begun
    this.#pending = Math.max(0, this.#pending - 1);
  }

  /** One that was granted, before this bucket was known or before it began and was lost, may begin at any time. */
  mayBegin(): void {
    this.#pending += 1;
  }

  /** At least this much is owed, as another one knew. */
  owes(debtMs: number, now: number): void {
    this.#fullAtMs = Math.max(this.#fullAtMs, now + debtMs);
  }

  /** Another limit from now on, with the tokens that there are: going to and fro between two limits makes none. */
  change(limit: Limit, now: number): void {
    if (sameLimit(limit, this.#limit)) return;
    const tokens = burstOf(this.#limit) - this.debtMs(now) / intervalMsOf(this.#limit);
    this.#limit = limit;
    this.#fullAtMs = now + (burstOf(limit) - Math.min(tokens, burstOf(limit))) * intervalMsOf(limit);
  }
}

/** What is written of a bucket with the grants that it allowed. */
export interface BucketRecord extends Limit {
  key: string;
  /** The number whose limit this is. */
  seq: number;
  pending: number;
  /** The last that was granted, and by which grant. */
  last: { task: string; fence: number };
}

/** What is read of it, by server time. */
export interface StoredBucket extends BucketRecord {
  /** Until it is full; below zero when it has been for a while. */
  debtMs: number;
  /** When the last one began: milliseconds ago; null: not yet; undefined: its record is gone. */
  lastBegunMsAgo: number | null | undefined;
}

/**
 * What is owed when a new leader takes over: what its predecessor wrote, and more where those who were ready to start then started meanwhile, nobody knows when
 * but before `knownForMs` ago. Of a slow limit only one can be ready at a time, and its record says when it began; of a faster one the whole bucket is a
 * second's worth, which costs nobody much.
 */
export function debtOf(stored: StoredBucket, knownForMs: number): number {
  const intervalMs = intervalMsOf(stored);
  const { lastBegunMsAgo: ago } = stored;
  const capacityMs = burstOf(stored) * intervalMs;
  if (stored.pending === 1 && ago !== undefined)
    return Math.min(capacityMs, Math.max(stored.debtMs, ago === null ? 0 : intervalMs - ago));
  return Math.min(capacityMs, Math.max(stored.debtMs, Math.min(stored.pending * intervalMs, capacityMs) - knownForMs));
}
