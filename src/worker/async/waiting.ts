import type { Runtime } from '../../process/runtime.js';
import { CHILD_WAIT_MS } from '../children/pool-options.js';
import type { AsyncRun } from './async-run.js';

/** Starts that no child is there for: in order, and not for ever. */
export class Waiting {
  readonly #runs = new Set<AsyncRun>();
  readonly #runtime: Runtime;
  readonly #onLate: (run: AsyncRun) => void;
  /** One for all of them, as long as there are any. */
  #watch: AbortController | undefined;

  constructor(runtime: Runtime, onLate: (run: AsyncRun) => void) {
    this.#runtime = runtime;
    this.#onLate = onLate;
  }

  add(run: AsyncRun): void {
    this.#runs.add(run); // bounded by the slots
    if (this.#watch) return;
    this.#watch = new AbortController();
    void this.#endLate(this.#watch.signal);
  }

  delete(run: AsyncRun): void {
    this.#runs.delete(run);
    if (this.#runs.size === 0) this.#rest();
  }

  takeAll(): AsyncRun[] {
    const all = [...this.#runs];
    this.#runs.clear();
    this.#rest();
    return all;
  }

  #rest(): void {
    this.#watch?.abort();
    this.#watch = undefined;
  }

  async #endLate(emptied: AbortSignal): Promise<void> {
    const { clock, timers } = this.#runtime;
    for (;;) {
      const [oldest] = this.#runs;
      if (emptied.aborted || !oldest) return;
      const leftMs = oldest.sinceMs + CHILD_WAIT_MS - clock.monotonicMs();
      if (leftMs > 0) {
        await timers.sleep(leftMs, emptied);
      } else {
        this.delete(oldest);
        this.#onLate(oldest);
      }
    }
  }
}
