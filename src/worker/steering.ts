import { MAX_SLOTS, MIN_SLOTS } from '../core/command.js';
import type { Told } from '../core/process.js';
import type { Stage, Wish } from '../core/wish.js';
import type { Log } from '../process/log.js';
import type { Pool } from './pool.js';

export interface SteeringDeps {
  pool: Pick<Pool, 'kind' | 'slots' | 'resize'>;
  claims: { pause(): void; resume(): void; resize(slots: number): void };
  /** Ends this process by that stage, or hastens its end. */
  leave: (stage: Stage) => void;
  /** A heartbeat soon: whoever wished waits to be told. */
  answer: () => void;
  log: Log;
}

/**
 * Does what is wanted of this worker. A wish comes with a heartbeat, so it is lost neither with the broker nor while this process is down, and
 * each is heeded once. What is wanted of a name (a pause) holds for whoever has it next; how many slots there are is the business of one process.
 */
export class Steering {
  readonly #deps: SteeringDeps;
  #heeded = 0;
  #paused = false;
  #draining = false;

  constructor(deps: SteeringDeps) {
    this.#deps = deps;
  }

  /** What of it stands in the record. */
  get told(): Pick<Told, 'slots' | 'pool' | 'paused' | 'draining' | 'heeded'> {
    const { slots, kind } = this.#deps.pool;
    return { slots, pool: kind, paused: this.#paused, draining: this.#draining, heeded: this.#heeded };
  }

  heed(incarnation: string, wish: Wish | undefined): void {
    if (!wish || wish.n <= this.#heeded) return;
    const { leave, answer } = this.#deps;
    const former = this.#heeded;
    this.#heeded = wish.n;
    this.#hold(wish);
    if (wish.slots && wish.slots.n > former) this.#resize(wish.slots.count);
    if (wish.shutdown?.incarnation === incarnation) leave(wish.shutdown.stage);
    answer();
  }

  #hold({ paused, draining }: Wish): void {
    const { claims, log } = this.#deps;
    if (draining && !this.#draining)
      log.info('Drained from now on: takes no new work, and what is bound to this worker goes to others.');
    else if (paused && !this.#paused) log.info('Paused: takes no new work; what runs goes on.');
    else if (!paused && this.#paused) log.info('Resumed.');
    if (paused !== this.#paused) claims[paused ? 'pause' : 'resume']();
    this.#paused = paused;
    this.#draining = draining;
  }

  /** The record is believed no more than a setting is. */
  #resize(count: number): void {
    const { pool, claims, log } = this.#deps;
    const slots = Math.min(Math.max(Math.trunc(count) || MIN_SLOTS, MIN_SLOTS), MAX_SLOTS[pool.kind]);
    if (slots === pool.slots) return;
    log.info(`${slots} slots from now on, instead of ${pool.slots}.`);
    pool.resize(slots);
    claims.resize(slots);
  }
}
