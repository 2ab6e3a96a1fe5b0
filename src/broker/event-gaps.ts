/** More emitters than a deployment has processes; those that were heard longest ago are forgotten. */
const EMITTERS_AT_MOST = 1_000;

/**
 * Every emitter numbers what it emits, also what it could not send. A number that was left out says that something is missing: dropped by its emitter, or
 * by a queue that was full.
 */
export class EventGaps {
  readonly #last = new Map<string, number>();

  /** Whether something of this emitter is missing before this number. Numbers that come late, or again, say nothing. */
  isGap(emitter: string, number: number): boolean {
    const last = this.#last.get(emitter);
    if (last !== undefined && number <= last) return false;
    this.#last.delete(emitter); // the one that was heard last stands last
    this.#last.set(emitter, number);
    if (this.#last.size > EMITTERS_AT_MOST) this.#last.delete(this.#last.keys().next().value ?? '');
    return last !== undefined && number > last + 1;
  }

  /** What comes next is compared with nothing that came before. */
  clear(): void {
    this.#last.clear();
  }
}
