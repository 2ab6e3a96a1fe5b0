import type { Clock, Timers } from '../process/runtime.js';
import { turn } from './real-time.js';

interface Sleeper {
  atMs: number;
  wake: () => void;
}

/** A clock that stands still until it is told to go on. Sleepers wake in the order of their time, then of their coming. */
export class VirtualTime {
  readonly #startMs: number;
  #nowMs: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(start: Date) {
    this.#startMs = this.#nowMs = start.getTime();
  }

  readonly clock: Clock = { monotonicMs: () => this.#nowMs - this.#startMs, wall: () => this.now };
  readonly timers: Timers = { sleep: (ms, signal) => this.#sleep(ms, signal) };

  get now(): Date {
    return new Date(this.#nowMs);
  }

  /** When the next sleeper wakes, in milliseconds since 1970; Infinity: nobody sleeps. */
  get nextMs(): number {
    return Math.min(Infinity, ...[...this.#sleepers].map(({ atMs }) => atMs));
  }

  /** Never back. */
  moveTo(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, ms);
    const due = [...this.#sleepers].filter(({ atMs }) => atMs <= this.#nowMs);
    for (const { wake } of due.sort((a, b) => a.atMs - b.atMs)) wake();
  }

  async #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    if (ms <= 0) return turn();
    await new Promise<void>(resolve => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake);
        this.#sleepers.delete(sleeper);
        resolve();
      };
      const sleeper = { atMs: this.#nowMs + Math.ceil(ms), wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake);
    });
  }
}
