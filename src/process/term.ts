import type { Lease } from '../store/store.js';
import type { Clock } from './runtime.js';

/** One time in office: a lease of one epoch, and how far it can be trusted. */
export class Term {
  readonly lease: Lease;
  readonly #clock: Clock;
  readonly #trustMs: number;
  readonly #ended = new AbortController();
  #trustedUntilMs: number;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(lease: Lease, trust: { clock: Clock; trustMs: number }, askedAtMs: number) {
    this.lease = lease;
    this.#clock = trust.clock;
    this.#trustMs = trust.trustMs;
    this.#trustedUntilMs = askedAtMs + trust.trustMs;
  }

  /** Aborts when the term is over. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get trusted(): boolean {
    return !this.signal.aborted && this.#clock.monotonicMs() < this.#trustedUntilMs;
  }

  get endedBecause(): string | undefined {
    return this.signal.aborted ? String(this.signal.reason) : undefined;
  }

  /** Counted from before the question was sent: the answer may have been long under way. */
  trustFrom(askedAtMs: number): void {
    this.#trustedUntilMs = askedAtMs + this.#trustMs;
  }

  end(reason: string): void {
    this.#ended.abort(reason);
  }

  /** Renewals and grants write the same document: one at a time, in the order of asking. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined); // the asker hears of the error
    return result;
  }
}
