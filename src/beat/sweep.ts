import type { Broker } from '../broker/broker.js';
import type { CountUp } from '../core/counts.js';
import type { OnMissing } from '../core/process.js';
import type { Retention } from '../core/retention.js';
import type { Timing } from '../core/timing.js';
import type { Events } from '../dispatch/events.js';
import type { Hints } from '../dispatch/hints.js';
import { Dependents } from '../dispatch/dependents.js';
import { endLost, tellOfEnds } from '../dispatch/lost.js';
import { Repair } from '../dispatch/repair.js';
import type { Log } from '../process/log.js';
import { jittered, type Runtime } from '../process/runtime.js';
import type { Store } from '../store/store.js';
import { endDelays } from './delays.js';
import { Deadlocks } from './deadlocks.js';
import { Forgetting } from './forgetting.js';
import { MissingProcesses } from './missing.js';

export interface SweepDeps {
  store: Pick<Store, 'tasks' | 'processes' | 'joins' | 'waits' | 'capacities' | 'retention' | 'schedules'>;
  broker: Broker;
  hints: Hints;
  events: Events;
  runtime: Runtime;
  log: Log;
  timing: Timing;
  onMissing: OnMissing;
  /** How long the record of a process that has ended is kept. */
  retentionMs: number;
  /** How long tasks that have ended are kept. */
  retention: Retention;
  /** One beat at a time hints again and forgets tasks; all else is done by each. */
  leading: () => boolean;
  count?: CountUp | undefined;
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
    const { store, broker, hints, events, log, onMissing, retentionMs, retention, timing, leading, count } = deps;
    const { clock } = deps.runtime;
    const missing = new MissingProcesses({
      store,
      hints,
      events,
      clock,
      log,
      watchMs: timing.watchMs,
      onMissing,
      retentionMs,
      count,
    });
    const repair = new Repair({ tasks: store.tasks, broker, hints, clock }, timing.rehintMs);
    const dependents = new Dependents({ tasks: store.tasks, joins: store.joins, hints, events, log });
    const deadlocks = new Deadlocks({ ...store, hints, events, log });
    const forgetting = new Forgetting({ store, clock, log, retention, sweepMs: timing.sweepMs });
    this.#missing = missing;
    this.#steps = [
      ['finding processes that are missing', () => missing.declare()],
      ['ending the tasks of dead processes', () => this.#endTasksOfTheDead()],
      ['settling what missing processes left', () => missing.settle()],
      ['ending delays', () => this.#allOf(() => endDelays({ tasks: store.tasks, hints, events }, PAGE))],
      ['expiring tasks', () => this.#allOf(() => this.#expire())],
      ['joining workflows', async () => leading() && this.#allOf(() => this.#join(dependents))],
      ['breaking deadlocks', async () => leading() && deadlocks.runOnce()],
      ['repairing lost hints', async () => leading() && this.#repair(repair)],
      ['forgetting processes', () => missing.forget()],
      ['forgetting tasks', async () => leading() && forgetting.runOnce()],
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
        this.#deps.count?.('sweepStepsFailed');
        log.error(`Sweep: ${what} failed; the other steps of this round go on, and the next round tries again.`, { err: error });
      }
    }
    this.#deps.count?.('sweeps');
    // Not in step with whoever failed on the same fault.
    if (failed) return jittered(Math.min(timing.sweepMs, RETRY_MS), runtime.random);
    return more ? timing.sweepMs / MIN_FRACTION : this.#untilNext();
  }

  /** Every running task whose incarnation is not live, whenever that came about: a start may have landed after its worker went missing. */
  async #endTasksOfTheDead(): Promise<void> {
    const { store, hints, events, log, count } = this.#deps;
    for (let after: string | undefined; ;) {
      const { tasks, next } = await store.tasks.activeOfTheDead(PAGE, after);
      const lost = await endLost({ tasks: store.tasks, hints, events, log }, tasks);
      count?.('tasksLost', lost);
      if (next === undefined) return;
      after = next;
    }
  }

  async #repair(repair: Repair): Promise<void> {
    const mended = await repair.runOnce();
    this.#deps.count?.('hintsMended', mended);
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

  /** One page of those that wait for tasks which ended while nobody lived to look after them, from where the last one stopped. */
  async #join(dependents: Dependents): Promise<number> {
    this.#joinedTo = (await dependents.sweep(this.#joinedTo)) ?? 0;
    return this.#joinedTo === 0 ? 0 : PAGE;
  }

  async #expire(): Promise<number> {
    const expired = await this.#deps.store.tasks.expire(PAGE);
    this.#deps.count?.('tasksExpired', expired.length);
    tellOfEnds(this.#deps, expired);
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
