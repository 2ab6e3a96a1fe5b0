/** A token bucket on the monotonic clock: so much a second, and so much at once. */
export class Budget {
  #perSecond: number;
  #burst: number;
  #left: number;
  #lastMs = monotonicMs();

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
  }

  /** Never lowers either. */
  raise(perSecond: number, burst: number): void {
    this.#perSecond = Math.max(this.#perSecond, perSecond);
    this.#burst = Math.max(this.#burst, burst);
  }

  /** False when it is used up; nothing is taken then. */
  take(cost = 1): boolean {
    const now = monotonicMs();
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#lastMs) / 1_000) * this.#perSecond);
    this.#lastMs = now;
    if (this.#left < cost) return false;
    this.#left -= cost;
    return true;
  }
}

/** CLOCK_MONOTONIC in milliseconds: the same in every process and thread of a machine, unlike `performance.now()`. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
