import { monitorEventLoopDelay } from 'node:perf_hooks';

import type { Count, Counts, CountUp, Vitals } from '../core/counts.js';
import { residentBytes } from './resident.js';

/** A count of its own for each process, and nothing else. */
export class Tally {
  readonly #counts = new Map<Count, number>();

  readonly up: CountUp = (what, n = 1) => {
    if (n > 0) this.#counts.set(what, (this.#counts.get(what) ?? 0) + n);
  };

  /** With those that others keep. */
  counts(others: Counts = {}): Counts {
    const all = [...this.#counts, ...(Object.entries(others) as [Count, number][])];
    return Object.fromEntries(all.filter(([, n]) => n > 0));
  }
}

/** A timer of its own is looked at this often: 20 times a second, which costs a thousandth of a core. */
const RESOLUTION_MS = 50;

/** Each call tells of the time since the one before. */
export function measuringVitals(): () => Vitals {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  return () => {
    // What Node measures is from one look to the next.
    const seconds = delays.count === 0 ? 0 : delays.percentile(99) / 1e9 - RESOLUTION_MS / 1_000;
    delays.reset();
    const { user, system } = process.cpuUsage();
    return {
      residentBytes: residentBytes(),
      cpuSeconds: Math.round((user + system) / 1_000) / 1_000,
      loopDelaySeconds: Math.max(0, Math.round(seconds * 10_000) / 10_000),
    };
  };
}
