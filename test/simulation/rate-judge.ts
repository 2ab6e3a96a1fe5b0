import { burstOf, intervalMsOf, limitText, type Limit, type Rate } from '../../src/core/rate.js';
import type { Task } from '../../src/core/task.js';

interface Key {
  starts: number[];
  burst: number;
  intervalMs: number;
  limits: Set<string>;
}

/** Clocks of the machines run up to 2 % too fast (deployment.ts), and so do the buckets of their leaders. */
const CLOCK_ERROR = 1.03;
/** Times are whole milliseconds. */
const ROUNDING_MS = 2;

/**
 * Counts the starts of each rate key, by the server's time without steps back: in any time no more than a burst and what the rate adds, whoever leads. Of each grant the
 * first start counts; one that follows the loss of a worker, or a start that was given back, has the same grant. Of several limits the widest holds.
 */
export class RateJudge {
  readonly #keys = new Map<string, Key>();
  readonly #started = new Set<string>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  recordChanged(before: Task | undefined, after: Task | undefined): void {
    if (!after?.rate) return;
    this.#note(after.rate);
    if (before?.state !== 'waiting' || after.state !== 'running') return;
    const use = `${after.id} ${after.grant?.fence ?? 'without a grant'}`;
    if (this.#started.has(use)) return;
    this.#started.add(use);
    this.#keys.get(after.rate.key)?.starts.push(this.#nowMs());
  }

  *violations(): Generator<string> {
    for (const [key, { limits, ...of }] of this.#keys) {
      const broken = tooMany(of);
      if (broken) yield `${broken.count} tasks of ${key} (${[...limits].join(', ')}) started within ${broken.ms} ms`;
    }
  }

  #note({ key, ...limit }: Rate & Limit): void {
    const known = this.#keys.get(key) ?? { starts: [], burst: 0, intervalMs: Infinity, limits: new Set() };
    known.burst = Math.max(known.burst, burstOf(limit));
    known.intervalMs = Math.min(known.intervalMs, intervalMsOf(limit));
    known.limits.add(limitText(limit));
    this.#keys.set(key, known);
  }
}

/** Every stretch from one start to another, the plain way. */
function tooMany({ starts, burst, intervalMs }: Omit<Key, 'limits'>): { count: number; ms: number } | undefined {
  for (const [first, from] of starts.entries()) {
    for (const [more, at] of starts.slice(first).entries()) {
      const ms = at - from;
      if (more + 1 > burst + (ms * CLOCK_ERROR + ROUNDING_MS) / intervalMs) return { count: more + 1, ms };
    }
  }
  return undefined;
}
