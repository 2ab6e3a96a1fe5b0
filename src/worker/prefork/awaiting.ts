import type { Timers } from '../../process/runtime.js';

/** So long a child process is kept that stood in for a run which waited: who calls one task after the other must not pay 0.3 s for each. */
const KEEP_MS = 10_000;

/** Runs that wait for others, and the child processes that work in their slots meanwhile. */
export class Awaiting {
  readonly #timers: Timers;
  readonly #changed: () => void;
  /** Each ends when its child is not kept any longer. */
  readonly #kept: AbortController[] = [];
  #runs = 0;
  #stopped = false;

  constructor(timers: Timers, changed: () => void) {
    this.#timers = timers;
    this.#changed = changed;
  }

  get runs(): number {
    return this.#runs;
  }

  /** How many more there are to be than slots. */
  get children(): number {
    return this.#runs + this.#kept.length;
  }

  begin(): void {
    this.#runs += 1;
    this.#kept.pop()?.abort();
    this.#changed();
  }

  end(): void {
    this.#runs -= 1;
    if (!this.#stopped) void this.#keep();
  }

  stop(): void {
    this.#stopped = true;
    for (const kept of this.#kept.splice(0)) kept.abort();
  }

  async #keep(): Promise<void> {
    const kept = new AbortController();
    this.#kept.push(kept);
    await this.#timers.sleep(KEEP_MS, kept.signal);
    const at = this.#kept.indexOf(kept);
    if (at < 0) return;
    this.#kept.splice(at, 1);
    this.#changed();
  }
}
