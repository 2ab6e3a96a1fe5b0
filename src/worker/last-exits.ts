import type { Exit } from '../core/task.js';

/**
 * How children ended that a fence killed. Their supervisor may no longer record it under the incarnation that it lost, but it may say so when
 * it ends what that incarnation left. Holds one incarnation's, so at most one for each slot.
 */
export class LastExits {
  readonly #exits = new Map<string, Exit>();
  #incarnation: string | undefined;

  note(incarnation: string, token: string, exit: Exit): void {
    if (incarnation !== this.#incarnation) this.#exits.clear();
    this.#incarnation = incarnation;
    this.#exits.set(token, exit);
  }

  /** It stands in the record now. */
  forget(token: string): void {
    this.#exits.delete(token);
  }

  of(token: string): Exit | undefined {
    return this.#exits.get(token);
  }
}
