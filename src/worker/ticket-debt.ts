import type { Clock } from '../process/runtime.js';

/** Beyond this nothing is started without a ticket: 100 on their way are enough for 1,000 starts a second at a broker that takes 0.1 s. */
const OWED_AT_MOST = 100;
/** A ticket that lies in a queue has come within this time, also after the consumer was away, and from a busy broker. */
const AWAITED_MS = 1_000;

/**
 * Tickets that are still to come: a task that was found by query is started at once, and its ticket lies in the queue. Left there, they
 * would outnumber the tasks: a backlog of 100,000 that is worked off by query would end with 100,000 tickets. When none comes for
 * a second the queue is dry, its tickets were lost, and nothing is owed until one comes again.
 */
export class TicketDebt {
  readonly #clock: Clock;
  #owed = 0;
  #dry = false;
  #sinceMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get owed(): number {
    this.#noteDrought();
    return this.#owed;
  }

  /** How many may be started without a ticket. */
  get credit(): number {
    this.#noteDrought();
    return this.#dry ? Infinity : Math.max(0, OWED_AT_MOST - this.#owed);
  }

  /** Milliseconds until the queue counts as dry, if no ticket comes before. */
  get waitMs(): number {
    this.#noteDrought();
    return this.#owed === 0 ? Infinity : this.#leftMs;
  }

  /** These were started without a ticket. */
  incur(starts: number): void {
    if (this.#dry || starts === 0) return;
    if (this.#owed === 0) this.#sinceMs = this.#clock.monotonicMs();
    this.#owed += starts;
  }

  /** Tickets have come, or could not; so many of them are for tasks that run already, or did. */
  note(paid: number): void {
    this.#dry = false;
    this.#sinceMs = this.#clock.monotonicMs();
    this.#owed -= paid;
  }

  get #leftMs(): number {
    return this.#sinceMs + AWAITED_MS - this.#clock.monotonicMs();
  }

  #noteDrought(): void {
    if (this.#owed === 0 || this.#leftMs > 0) return;
    this.#dry = true;
    this.#owed = 0;
  }
}
