import type { Timing } from '../core/timing.js';
import type { Clock } from '../process/runtime.js';
import type { Ticket } from './intake.js';
import type { Claimed, Run } from './claimed.js';

export interface SlotsDeps {
  clock: Clock;
  timing: Pick<Timing, 'busyMs'>;
  slots: number;
  run: (claimed: Claimed, place: Place) => Run;
  /** A slot is free, or may be used again. */
  freed: () => void;
}

/** As many as one write takes, however few the slots: else 4 of them could not end more than 4 short tasks while one write is away. */
const MIN_UNRECORDED = 100;

interface Slot {
  ticket: Ticket | undefined;
  sinceMs: number;
}

/** The slot of one start, while its body waits for other tasks. */
export interface Place {
  /** Another start may have it. */
  leave(): void;
  /** Resolves when it has one again: the next that is free, before any new start. Also when it has ended meanwhile. */
  comeBack(): Promise<void>;
  /** Without waiting: its body goes on already. There may be more bodies than slots then. */
  comeBackNow(): void;
}

/**
 * What runs here. A slot is free when its body has ended: the next one starts while that end is being written. So that a database that
 * does not answer is not asked for ever more, only so many ends may wait to be written while slots are given out.
 */
export class Slots {
  readonly #deps: SlotsDeps;
  readonly #busy = new Set<Slot>();
  /** Their bodies wait, or wait to come back. */
  readonly #away = new Set<Slot>();
  readonly #returning: { slot: Slot; admit: () => void }[] = [];
  #promised = 0;
  #slots: number;
  #unrecorded = 0;

  constructor(deps: SlotsDeps) {
    this.#deps = deps;
    this.#slots = deps.slots;
  }

  get busy(): number {
    return this.#busy.size;
  }

  /** Starts whose end does not stand in the database yet. */
  get open(): number {
    return this.#busy.size + this.#away.size + this.#unrecorded;
  }

  /** Slots in which no body runs; none when there are fewer than bodies. */
  get idle(): number {
    return Math.max(0, this.#slots - this.#busy.size);
  }

  get free(): number {
    return Math.max(0, this.#mayBeUsed - this.#promised);
  }

  get #mayBeUsed(): number {
    const unrecorded = Math.max(this.#slots, MIN_UNRECORDED) - this.#unrecorded;
    return Math.max(0, Math.min(this.idle, this.#slots - this.#busy.size + unrecorded));
  }

  /** So many of the free ones are for a claim that is under way: nobody comes back to them. What it returns takes the promise back. */
  promise(slots: number): () => void {
    let open = slots;
    this.#promised += open;
    return () => {
      this.#promised -= open;
      open = 0;
    };
  }

  /** Who waits to come back has the first of the slots that are free. */
  admit(): void {
    while (this.idle > this.#promised) {
      const next = this.#returning.shift();
      if (!next) return;
      this.#enter(next.slot);
      next.admit();
    }
  }

  /** What runs goes on, also where that is more than there are slots now. */
  resize(slots: number): void {
    const more = slots > this.#slots;
    this.#slots = slots;
    if (more) this.#freed();
  }

  async occupy(claimed: Claimed, ticket: Ticket | undefined): Promise<void> {
    const slot: Slot = { ticket, sinceMs: this.#deps.clock.monotonicMs() };
    this.#busy.add(slot);
    const { ended, recorded } = this.#deps.run(claimed, this.#placeOf(slot));
    await ended;
    this.#busy.delete(slot);
    this.#away.delete(slot);
    this.#comeBackNow(slot);
    this.#unrecorded++;
    slot.ticket?.ack();
    this.#freed();
    await recorded;
    const full = this.#mayBeUsed === 0;
    this.#unrecorded--;
    if (full) this.#deps.freed();
  }

  #placeOf(slot: Slot): Place {
    return {
      leave: () => {
        if (!this.#busy.delete(slot)) return;
        this.#away.add(slot);
        slot.ticket?.ack();
        slot.ticket = undefined;
        this.#freed();
      },
      comeBack: () =>
        new Promise(resolve => {
          if (!this.#away.has(slot)) return resolve();
          this.#returning.push({ slot, admit: resolve });
          this.admit();
        }),
      comeBackNow: () => this.#comeBackNow(slot),
    };
  }

  #comeBackNow(slot: Slot): void {
    const at = this.#returning.findIndex(each => each.slot === slot);
    const [waiting] = at < 0 ? [] : this.#returning.splice(at, 1);
    if (this.#away.has(slot)) this.#enter(slot);
    waiting?.admit();
  }

  #enter(slot: Slot): void {
    this.#away.delete(slot);
    this.#busy.add(slot);
  }

  #freed(): void {
    this.admit();
    this.#deps.freed();
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
