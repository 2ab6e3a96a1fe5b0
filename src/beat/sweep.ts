import type { Broker } from '../broker/broker.js';
import type { OnMissing } from '../core/process.js';
import type { Timing } from '../core/timing.js';
import type { Hints } from '../dispatch/hints.js';
import { Dependents } from '../dispatch/dependents.js';
import { endLost } from '../dispatch/lost.js';
import { Repair } from '../dispatch/repair.js';
import type { Log } from '../process/log.js';
import { jittered, type Runtime } from '../process/runtime.js';
import type { Store } from '../store/store.js';
import { endDelays } from './delays.js';
import { MissingProcesses } from './missing.js';

export interface SweepDeps {
  store: Pick<Store, 'tasks' | 'processes' | 'joins'>;
  broker: Broker;
  hints: Hints;
  runtime: Runtime;
  log: Log;
  timing: Timing;
  onMissing: OnMissing;
  /** How long the record of a process that has ended is kept. */
  retentionMs: number;
  /** One beat at a time hints again; all else is done by each. */
  leading: () => boolean;
}

/** Resolves true when it stopped for the time with more to do; anything else says nothing. */
type Step = () => Promise<unknown>;

/** One page of running tasks, of due tasks, of expired ones. */
const PAGE = 500;
/** A step goes through this many pages at most, and for at most half a sweep: what follows must not wait for a flood of delays. */
const MAX_PAGES = 100;
/** A sweep comes at most this much more often than every `sweepMs`. */
const MIN_FRACTION = 25;
/** After a failed step the next round comes within this long. */
const RETRY_MS = 1_000;

/** Step 8, by every beat, idempotent: whatever was lost by whomever is found here. */
export class Sweep {
  readonly #deps: SweepDeps;
  readonly #missing: MissingProcesses;
  /** Number up to which those that wait for others were looked at in this round. */
  #joinedTo = 0;
  readonly #steps: [what: string, step: Step][];

  constructor(deps: SweepDeps) {
    this.#deps = deps;
    const { store, broker, hints, log, onMissing, retentionMs, timing, leading } = deps;
    const { clock } = deps.runtime;
    const missing = new MissingProcesses({ store, hints, clock, log, watchMs: timing.watchMs, onMissing, retentionMs });
    const repair = new Repair({ tasks: store.tasks, broker, hints, clock }, timing.rehintMs);
    const dependents = new Dependents({ tasks: store.tasks, joins: store.joins, hints, log });
    this.#missing = missing;
    this.#steps = [
      ['finding processes that are missing', () => missing.declare()],
      ['ending the tasks of dead processes', () => this.#endTasksOfTheDead()],
      ['settling what missing processes left', () => missing.settle()],
      ['ending delays', () => this.#allOf(() => endDelays({ tasks: store.tasks, hints }, PAGE))],
      ['expiring tasks', () => this.#allOf(() => this.#expire())],
      ['joining workflows', async () => leading() && this.#join(dependents)],
      ['repairing lost hints', async () => leading() && repair.runOnce()],
      ['forgetting processes', () => missing.forget()],
    ];
  }

  /** Every step, whatever became of those before it. Resolves with the milliseconds until the next sweep is worth while. */
  async runOnce(): Promise<number> {
    const { runtime, timing, log } = this.#deps;
    let failed = false;
    let more = false;
    for (const [what, step] of this.#steps) {
      try {
        more = (await step()) === true || more;
      } catch (error) {
        failed = true;
        log.error(`Sweep: ${what} failed; the other steps of this round go on, and the next round tries again.`, { err: error });
      }
    }
    // Not in step with whoever failed on the same fault.
    if (failed) return jittered(Math.min(timing.sweepMs, RETRY_MS), runtime.random);
    return more ? timing.sweepMs / MIN_FRACTION : this.#untilNext();
  }

  /** Every running task whose incarnation is not live, whenever that came about: a start may have landed after its worker went missing. */
  async #endTasksOfTheDead(): Promise<void> {
    const { store, hints, log } = this.#deps;
    for (let after: string | undefined; ;) {
      const { tasks, next } = await store.tasks.activeOfTheDead(PAGE, after);
      await endLost({ tasks: store.tasks, hints, log }, tasks);
      if (next === undefined) return;
      after = next;
    }
  }

  /** Page after page, until one is not full. */
  async #allOf(page: () => Promise<number>): Promise<boolean> {
    const { runtime, timing } = this.#deps;
    const untilMs = runtime.clock.monotonicMs() + timing.sweepMs / 2;
    for (let n = 0; n < MAX_PAGES; n++) {
      if ((await page()) < PAGE) return false;
      if (runtime.clock.monotonicMs() >= untilMs) return true;
    }
    return true;
  }

  /** Who waits for tasks that ended while nobody lived to look after them: from where the last round stopped, page after page. */
  async #join(dependents: Dependents): Promise<boolean> {
    const { runtime, timing } = this.#deps;
    const untilMs = runtime.clock.monotonicMs() + timing.sweepMs / 2;
    for (;;) {
      const next = await dependents.sweep(this.#joinedTo);
      this.#joinedTo = next ?? 0;
      if (next === undefined) return false;
      if (runtime.clock.monotonicMs() >= untilMs) return true;
    }
  }

  async #expire(): Promise<number> {
    const expired = await this.#deps.store.tasks.expire(PAGE);
    this.#deps.hints.changed(expired);
    return expired.length;
  }

  /** Every `sweepMs`, and also when a silent process can be judged: its lease lapsed and its counter watched long enough. */
  async #untilNext(): Promise<number> {
    const { store, timing } = this.#deps;
    const lapseMs = (await store.processes.earliestLapseMs()) ?? Infinity;
    const judgedMs = Math.max(lapseMs, this.#missing.earliestMs());
    return Math.max(timing.sweepMs / MIN_FRACTION, Math.min(timing.sweepMs, judgedMs));
  }
}
