import type { Clock } from './runtime.js';

const FRESH_MS = 60_000;

/**
 * The database's clock, read once a minute and carried on by the monotonic one: `countdown` and `expires` are judged by the
 * database's time, so a wrong wall clock here must not shift them.
 */
export class ServerTime {
  readonly #read: () => Promise<Date>;
  readonly #clock: Clock;
  #offsetMs: number | undefined;
  #readAtMs = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(read: () => Promise<Date>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  /** Throws StoreError when it was never read and cannot be now. */
  async now(): Promise<Date> {
    if (this.#clock.monotonicMs() - this.#readAtMs > FRESH_MS) await (this.#reading ??= this.#refresh());
    return new Date(this.#clock.monotonicMs() + (this.#offsetMs ?? 0));
  }

  async #refresh(): Promise<void> {
    try {
      const askedAtMs = this.#clock.monotonicMs();
      const time = await this.#read();
      this.#readAtMs = this.#clock.monotonicMs();
      this.#offsetMs = time.getTime() - (askedAtMs + this.#readAtMs) / 2;
    } catch (error) {
      if (this.#offsetMs === undefined) throw error; // an older reading is still good to some milliseconds
    } finally {
      this.#reading = undefined;
    }
  }
}
