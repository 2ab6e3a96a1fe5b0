import { Counter, Gauge, Registry } from 'prom-client';

import type { Runtime } from '../../process/runtime.js';
import type { ApiDeps } from '../context.js';
import { probe } from '../deadline.js';
import { FIGURES } from './figures.js';
import { readFleet, type Fleet } from './fleet.js';

/** A scrape that comes within this of a reading is told the same; so is one within ten times what the reading took: a tenth of the database's time at most. */
const FRESH_MS = 5_000;
const SHARE = 10;
/** A scrape waits no longer for a reading. An older one is still told for this long, then none. */
const WAIT_MS = 2_500;
const STALE_MS = 60_000;

interface Read {
  text: string;
  atMs: number;
  tookMs: number;
}

type FleetDeps = Pick<ApiDeps, 'store' | 'broker' | 'types'> & { runtime: Pick<Runtime, 'clock' | 'timers'> };

/** The deployment's metrics as text. However many scrape, there is one reading at a time. */
export class FleetText {
  readonly #deps: FleetDeps;
  #latest: Read | undefined;
  #reading: Promise<Read> | undefined;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
  }

  /** Empty while the database does not answer and what was read is too old. */
  async text(): Promise<string> {
    const { clock, timers } = this.#deps.runtime;
    const ageMs = (): number => clock.monotonicMs() - (this.#latest?.atMs ?? -Infinity);
    const fresh = ageMs() < Math.max(FRESH_MS, SHARE * (this.#latest?.tookMs ?? 0));
    if (!fresh) await probe(() => (this.#reading ??= this.#read().finally(() => (this.#reading = undefined))), WAIT_MS, timers);
    const told = ageMs() < Math.max(STALE_MS, SHARE * (this.#latest?.tookMs ?? 0)) ? this.#latest : undefined;
    return told?.text ?? '';
  }

  async #read(): Promise<Read> {
    const { clock } = this.#deps.runtime;
    const beganMs = clock.monotonicMs();
    const fleet = await readFleet(this.#deps);
    const atMs = clock.monotonicMs();
    this.#latest = { text: await textOf(fleet), atMs, tookMs: atMs - beganMs };
    return this.#latest;
  }
}

/** A registry for each reading: what is gone is told no more. */
function textOf(fleet: Fleet): Promise<string> {
  const registry = new Registry();
  for (const { name, help, type, labels, samples } of FIGURES) {
    const metric = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === 'gauge') {
      const made = new Gauge(metric);
      for (const sample of samples(fleet)) made.set({ ...sample.labels }, sample.value);
    } else {
      const made = new Counter(metric);
      for (const sample of samples(fleet)) made.inc({ ...sample.labels }, sample.value);
    }
  }
  return registry.metrics();
}
