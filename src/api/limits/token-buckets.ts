import type { Clock } from '../../process/runtime.js';

export interface Rate {
  /** 0: any number. */
  perSecond: number;
  burst: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** So many askers are remembered; whoever has not asked for the longest time is forgotten, which gives a full bucket back to somebody who rested. */
const MOST = 10_000;

/** How much each asker may ask: a bucket of `burst` tokens, filled again by `perSecond`, of which every request takes one. */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>();
  readonly #clock: Clock;
  readonly #rate: Rate;
  readonly #most: number;

  constructor(clock: Clock, rate: Rate, most = MOST) {
    this.#clock = clock;
    this.#rate = rate;
    this.#most = most;
  }

  /** Whether there was one to take. */
  take(asker: string): boolean {
    const { perSecond, burst } = this.#rate;
    if (perSecond === 0) return true;
    const atMs = this.#clock.monotonicMs();
    const bucket = this.#buckets.get(asker) ?? { tokens: burst, atMs };
    const tokens = Math.min(burst, bucket.tokens + ((atMs - bucket.atMs) / 1_000) * perSecond);
    const taken = tokens >= 1;
    this.#keep(asker, { tokens: taken ? tokens - 1 : tokens, atMs });
    return taken;
  }

  /** In order of the last use. */
  #keep(asker: string, bucket: Bucket): void {
    this.#buckets.delete(asker);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size >= this.#most && oldest !== undefined) this.#buckets.delete(oldest);
    this.#buckets.set(asker, bucket);
  }
}
