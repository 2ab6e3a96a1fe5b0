import type { Timing } from '../core/timing.js';
import type { Clock } from '../process/runtime.js';
import type { Ticket } from './intake.js';
import type { Claimed, Run } from './run-task.js';

export interface SlotsDeps {
  clock: Clock;
  timing: Pick<Timing, 'busyMs'>;
  slots: number;
  run: (claimed: Claimed) => Run;
  /** A slot is free, or may be used again. */
  freed: () => void;
}

/** As many as one write takes, however few the slots: else 4 of them could not end more than 4 short tasks while one write is away. */
const MIN_UNRECORDED = 100;

interface Slot {
  ticket: Ticket | undefined;
  sinceMs: number;
}

/**
 * What runs here. A slot is free when its body has ended: the next one starts while that end is being written. So that a database that
 * does not answer is not asked for ever more, only so many ends may wait to be written while slots are given out.
 */
export class Slots {
  readonly #deps: SlotsDeps;
  readonly #busy = new Set<Slot>();
  #unrecorded = 0;

  constructor(deps: SlotsDeps) {
    this.#deps = deps;
  }

  get busy(): number {
    return this.#busy.size;
  }

  /** Starts whose end does not stand in the database yet. */
  get open(): number {
    return this.#busy.size + this.#unrecorded;
  }

  get free(): number {
    const { slots } = this.#deps;
    const unrecorded = Math.max(slots, MIN_UNRECORDED) - this.#unrecorded;
    return Math.max(0, Math.min(slots - this.#busy.size, slots - this.#busy.size + unrecorded));
  }

  async occupy(claimed: Claimed, ticket: Ticket | undefined): Promise<void> {
    const slot: Slot = { ticket, sinceMs: this.#deps.clock.monotonicMs() };
    this.#busy.add(slot);
    const { ended, recorded } = this.#deps.run(claimed);
    await ended;
    this.#busy.delete(slot);
    this.#unrecorded++;
    slot.ticket?.ack();
    this.#deps.freed();
    await recorded;
    const full = this.free === 0;
    this.#unrecorded--;
    if (full) this.#deps.freed();
  }

  /** Tickets that came for tasks which run already are kept with them, as those that came before; the task may have ended meanwhile. */
  keep(tickets: readonly Ticket[]): void {
    const without = [...this.#busy].filter(slot => slot.ticket === undefined);
    tickets.forEach((ticket, index) => {
      const slot = without[index];
      if (slot) slot.ticket = ticket;
      else ticket.ack();
    });
  }

  /** Gives up tickets that were held too long; answers how long the others may be held, in milliseconds. */
  dropOldTickets(): number {
    const { clock, timing } = this.#deps;
    const now = clock.monotonicMs();
    let waitMs = Infinity;
    for (const slot of this.#busy) {
      if (!slot.ticket) continue;
      const leftMs = slot.sinceMs + timing.busyMs - now;
      if (leftMs > 0) {
        waitMs = Math.min(waitMs, leftMs);
        continue;
      }
      slot.ticket.ack();
      slot.ticket = undefined;
    }
    return waitMs;
  }
}
