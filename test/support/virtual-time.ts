import type { Clock, Runtime } from '../../src/process/runtime.js';

/** A clock that stands still until it is told to go on; sleepers wake in order. Everything between two steps has settled. */
export class VirtualTime {
  #nowMs = 0;
  #sleepers: { atMs: number; wake: () => void }[] = [];
  #ids = 0;

  readonly clock: Clock = { monotonicMs: () => this.#nowMs, wall: () => new Date(1_700_000_000_000 + this.#nowMs) };

  readonly runtime: Runtime = {
    clock: this.clock,
    timers: { sleep: (ms, signal) => this.#sleep(ms, signal) },
    random: { uniform: () => 0.5, uuid: () => `uuid-${++this.#ids}`, id: () => `id-${++this.#ids}` },
  };

  /** Moves on by `ms`, waking whoever is due on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    await settled();
    for (;;) {
      this.#sleepers.sort((a, b) => a.atMs - b.atMs);
      const next = this.#sleepers[0];
      if (!next || next.atMs > end) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
      await settled();
    }
    this.#nowMs = end;
    await settled();
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise(resolve => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake);
        this.#sleepers = this.#sleepers.filter(other => other !== sleeper);
        resolve();
      };
      const sleeper = { atMs: this.#nowMs + ms, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', wake);
    });
  }
}

/** Lets everything run that can run without time passing. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve));
}
