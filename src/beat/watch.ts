import type { ProcessRecord } from '../core/process.js';
import type { Clock } from '../process/runtime.js';

interface Seen {
  incarnation: string;
  beat: number;
  sinceMs: number;
}

/**
 * Which heartbeat counters have stood still, on this process's own monotonic clock. Server time alone proves nothing: a clock that jumps at a
 * failover would free what still runs.
 */
export class Watch {
  readonly #clock: Clock;
  readonly #watchMs: number;
  readonly #seen = new Map<string, Seen>();

  constructor(clock: Clock, watchMs: number) {
    this.#clock = clock;
    this.#watchMs = watchMs;
  }

  /** Notes the live processes as they are now; resolves those whose counter was seen unchanged for `watchMs`. */
  observe(live: readonly ProcessRecord[]): ProcessRecord[] {
    const now = this.#clock.monotonicMs();
    const names = new Set(live.map(process => process.name));
    for (const name of this.#seen.keys()) if (!names.has(name)) this.#seen.delete(name);
    for (const { name, incarnation, beat } of live) {
      const seen = this.#seen.get(name);
      if (seen?.incarnation !== incarnation || seen.beat !== beat) this.#seen.set(name, { incarnation, beat, sinceMs: now });
    }
    return live.filter(process => this.#leftMs(process.name, now) <= 0);
  }

  /** Until the first counter that stands still would have stood long enough. */
  earliestMs(): number {
    const now = this.#clock.monotonicMs();
    return Math.min(Infinity, ...[...this.#seen.keys()].map(name => this.#leftMs(name, now)));
  }

  #leftMs(name: string, now: number): number {
    return (this.#seen.get(name)?.sinceMs ?? now) + this.#watchMs - now;
  }
}
