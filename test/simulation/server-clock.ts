import type { Scheduler } from './scheduler.js';

const BEGINNING = 1_700_000_000_000;

/** The clock of the database: that of whichever member is primary, and it may be set. */
export class ServerClock {
  readonly #scheduler: Scheduler;
  #offsetMs = 0;
  #setBackMs = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  readonly now = (): Date => this.#at(this.#offsetMs);

  /** What it would show, had it never been set back: limits per second are promised as long as it is not set forward. */
  readonly withoutStepsBack = (): number => this.#at(this.#offsetMs + this.#setBackMs).getTime();

  move(ms: number): void {
    this.#offsetMs += ms;
    if (ms < 0) this.#setBackMs -= ms;
  }

  /** It goes on like this, whatever becomes of the other. */
  asItIs(): () => Date {
    const offsetMs = this.#offsetMs;
    return () => this.#at(offsetMs);
  }

  #at(offsetMs: number): Date {
    return new Date(BEGINNING + this.#scheduler.nowMs + offsetMs);
  }
}
