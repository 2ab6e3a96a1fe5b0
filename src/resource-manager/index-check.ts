import type { Log } from '../process/log.js';
import type { Clock } from '../process/runtime.js';
import type { Store } from '../store/store.js';

/** Nobody drops an index often; but once one is missing, whoever mends it should not have to wait. */
const CHECK_MS = 60_000;
const RECHECK_MS = 5_000;

/**
 * Whether the database still keeps single what must be single. Without its unique indexes a number could be given twice and a late insert overtaken,
 * so nothing is granted until they are back: tasks wait, nothing is lost.
 */
export class IndexCheck {
  readonly #store: Pick<Store, 'problems'>;
  readonly #clock: Clock;
  readonly #log: Log;
  #problems: readonly string[] = [];
  #nextAtMs = -Infinity;

  constructor({ store, clock, log }: { store: Pick<Store, 'problems'>; clock: Clock; log: Log }) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  async mayGrant(): Promise<boolean> {
    const now = this.#clock.monotonicMs();
    if (now >= this.#nextAtMs) {
      await this.#check();
      this.#nextAtMs = now + (this.#problems.length > 0 ? RECHECK_MS : CHECK_MS);
    }
    return this.#problems.length === 0;
  }

  async #check(): Promise<void> {
    const before = this.#problems;
    this.#problems = await this.#store.problems();
    const told = new Set(before);
    for (const problem of this.#problems) if (!told.has(problem)) this.#log.error(`Nothing is granted: ${problem}`);
    if (before.length > 0 && this.#problems.length === 0) this.#log.warn('All indexes are there again: granting goes on.');
  }
}
