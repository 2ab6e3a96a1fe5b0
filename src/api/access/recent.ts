import type { Clock } from '../../process/runtime.js';

/** What was seen a short while ago: so many at most, the oldest of which makes room. */
export class Recent<T> {
  readonly #entries = new Map<string, { value: T; untilMs: number }>();
  readonly #clock: Clock;
  readonly #limits: { ms: number; most: number };

  constructor(clock: Clock, limits: { ms: number; most: number }) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (!entry || this.#clock.monotonicMs() < entry.untilMs) return entry?.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: T): void {
    this.#entries.delete(key);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= this.#limits.most && oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(key, { value, untilMs: this.#clock.monotonicMs() + this.#limits.ms });
  }

  clear(): void {
    this.#entries.clear();
  }
}
