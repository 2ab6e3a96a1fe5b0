import type { Clock } from '../process/runtime.js';

/**
 * So many gaps are remembered: each is asked for in every pass. A longer outage of inserts leaves more; then the mark stops until these are closed,
 * which is at once when there is no room left.
 */
const MAX_GAPS = 2_000;
/** No outage takes so many numbers in vain: what lies further off has no number of ours. */
const MAX_LEAP = 10_000_000;

/**
 * Which acceptance numbers have been seen. A number below the mark that was not seen is a gap: its insert is still under way, or
 * never comes. A gap delays nobody; one older than `gapMs` is closed, so that a late insert must take a new number.
 */
export class Numbering {
  readonly #clock: Clock;
  readonly #gaps = new Map<number, number>();
  #mark: number;
  #stray: number | undefined;

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

  get full(): boolean {
    return this.#gaps.size >= MAX_GAPS;
  }

  get gaps(): number[] {
    return [...this.#gaps.keys()];
  }

  /** How far the mark may move, given everything that stands above it, in order: as far as what is missing between can be remembered. */
  reach(numbers: readonly number[]): number {
    let room = MAX_GAPS - this.#gaps.size;
    let mark = this.#mark;
    for (const number of numbers) {
      const missing = number - mark - 1;
      if (missing > MAX_LEAP) return mark;
      if (missing > room) return mark + room;
      room -= missing;
      mark = number;
    }
    return mark;
  }

  /** Whether this number out of reach is another one than the last. */
  isNewStray(number: number): boolean {
    const isNew = number !== this.#stray;
    this.#stray = number;
    return isNew;
  }

  /** Moves the mark so far, where these numbers were read on the way; what is missing between becomes a gap. */
  advance(numbers: readonly number[], upTo = numbers.at(-1) ?? this.#mark): void {
    const now = this.#clock.monotonicMs();
    for (const number of this.missing(numbers, upTo)) this.#gaps.set(number, now);
    this.#mark = Math.max(this.#mark, upTo);
  }

  /** What is not among these, between the mark and there. */
  missing(numbers: readonly number[], upTo: number): number[] {
    const read = new Set(numbers);
    const missing: number[] = [];
    for (let number = this.#mark + 1; number <= upTo; number++) if (!read.has(number)) missing.push(number);
    return missing;
  }

  /** These numbers are stored or void after all. */
  fill(numbers: readonly number[]): void {
    for (const number of numbers) this.#gaps.delete(number);
  }

  /** Gaps to close: those that old, or all when there is no room for more. */
  olderThan(ms: number): number[] {
    if (this.full) return this.gaps;
    const limit = this.#clock.monotonicMs() - ms;
    return [...this.#gaps].filter(([, since]) => since <= limit).map(([number]) => number);
  }
}
