import type { Clock } from '../process/runtime.js';

/**
 * Which acceptance numbers have been seen. A number below the mark that was not seen is a gap: its insert is still under way, or
 * never comes. A gap delays nobody; one older than `gapMs` is closed, so that a late insert must take a new number.
 */
export class Numbering {
  readonly #clock: Clock;
  readonly #gaps = new Map<number, number>();
  #mark: number;

  constructor(floor: number, clock: Clock) {
    this.#mark = floor;
    this.#clock = clock;
  }

  /** The highest number that was applied. */
  get mark(): number {
    return this.#mark;
  }

  /** Every number at or below it is stored or void, for good. */
  get floor(): number {
    let floor = this.#mark;
    for (const gap of this.#gaps.keys()) floor = Math.min(floor, gap - 1);
    return floor;
  }

  get gaps(): number[] {
    return [...this.#gaps.keys()];
  }

  /** Moves the mark over numbers that were read in order above it; what is missing between becomes a gap. */
  advance(numbers: readonly number[]): void {
    const now = this.#clock.monotonicMs();
    for (const number of numbers) {
      for (let missing = this.#mark + 1; missing < number; missing++) this.#gaps.set(missing, now);
      this.#mark = Math.max(this.#mark, number);
    }
  }

  /** These numbers are stored or void after all. */
  fill(numbers: readonly number[]): void {
    for (const number of numbers) this.#gaps.delete(number);
  }

  olderThan(ms: number): number[] {
    const limit = this.#clock.monotonicMs() - ms;
    return [...this.#gaps].filter(([, since]) => since <= limit).map(([number]) => number);
  }
}
