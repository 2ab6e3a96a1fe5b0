import type { SeededRandom } from '../../support/random.js';

/** What chance is asked for when steps are made. */
export class Chance {
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** A whole number from 0 to `n - 1`. */
  below(n: number): number {
    return this.#random.below(n);
  }

  few<T>(items: readonly T[]): T[] {
    return this.#random.sample(items, 1 + this.below(3));
  }

  some<T>(items: readonly T[]): T[] {
    return this.#random.sample(items, this.below(items.length + 1));
  }

  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  maybe(): boolean {
    return this.below(2) === 0;
  }

  rarely(): boolean {
    return this.below(8) === 0;
  }

  /** The likely ones, now and then all. */
  mostly<T>(likely: readonly T[], all: readonly T[]): readonly T[] {
    return likely.length === 0 || this.rarely() ? all : likely;
  }

  weighed<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    return this.one(choices.flatMap(([weight, choice]) => Array.from({ length: weight }, () => choice)));
  }
}
