import { InterlockError } from '../core/errors.js';
import { MAINTENANCE_AGE_MS, type Maintenance } from '../core/maintenance.js';
import type { Clock } from '../process/runtime.js';
import type { MaintenanceStore } from '../store/store.js';
import { gated, type Accepting } from './gate.js';

/**
 * Whether new tasks are taken, as the database says it. What is known is asked for again when it is a second old, counted from the question: whoever has
 * turned acceptance off and waited for so long meets no request that has not heard of it, at whatever API.
 */
export class Acceptance {
  readonly #maintenance: Pick<MaintenanceStore, 'read'>;
  readonly #clock: Clock;
  #asked: { atMs: number; answer: Promise<Maintenance | undefined> } | undefined;

  constructor(deps: { maintenance: Pick<MaintenanceStore, 'read'>; clock: Clock }) {
    this.#maintenance = deps.maintenance;
    this.#clock = deps.clock;
  }

  /** What keeps new tasks out, if anything does. Throws StoreError. */
  async maintenance(): Promise<Maintenance | undefined> {
    const atMs = this.#clock.monotonicMs();
    if (this.#asked && atMs - this.#asked.atMs < MAINTENANCE_AGE_MS) return this.#asked.answer;
    const asked = { atMs, answer: this.#maintenance.read() };
    this.#asked = asked;
    try {
      return await asked.answer;
    } catch (error) {
      if (this.#asked === asked) this.forget();
      throw error;
    }
  }

  /** Throws MAINTENANCE while nothing new is taken, StoreError. */
  async require(): Promise<void> {
    const maintenance = await this.maintenance();
    if (!maintenance) return;
    const why = maintenance.reason === undefined ? '' : ` (${maintenance.reason})`;
    throw new InterlockError(
      'MAINTENANCE',
      `No new tasks are taken since ${maintenance.since.toISOString()}${why}. What was accepted goes on. Try again later.`,
    );
  }

  /** Somebody changed it here. */
  forget(): void {
    this.#asked = undefined;
  }
}

/** For what comes from outside: work that was accepted makes more of it also during a maintenance. */
export function heeding(acceptor: Accepting, acceptance: Acceptance): Accepting {
  return gated(acceptor, () => acceptance.require());
}
