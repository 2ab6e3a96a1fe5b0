import type { Broker } from '../broker/broker.js';
import type { ProcessRecord } from '../core/process.js';
import type { Timing } from '../core/timing.js';
import type { Hints } from '../dispatch/hints.js';
import { endLost } from '../dispatch/lost.js';
import { Repair } from '../dispatch/repair.js';
import type { Log } from '../process/log.js';
import type { Runtime } from '../process/runtime.js';
import type { Store } from '../store/store.js';
import { Watch } from './watch.js';

export interface SweepDeps {
  store: Pick<Store, 'tasks' | 'processes'>;
  broker: Broker;
  hints: Hints;
  runtime: Runtime;
  log: Log;
  timing: Timing;
}

/** One page of running tasks, of due tasks, of expired ones. */
const PAGE = 500;
/** A sweep comes at most this much more often than every `sweepMs`. */
const MIN_FRACTION = 25;

/** Step 8, by every beat, idempotent: whatever was lost by whomever is found here. */
export class Sweep {
  readonly #deps: SweepDeps;
  readonly #watch: Watch;
  readonly #repair: Repair;

  constructor(deps: SweepDeps) {
    this.#deps = deps;
    this.#watch = new Watch(deps.runtime.clock, deps.timing.watchMs);
    this.#repair = new Repair(
      { tasks: deps.store.tasks, broker: deps.broker, hints: deps.hints, clock: deps.runtime.clock },
      deps.timing.rehintMs,
    );
  }

  /** Resolves with the milliseconds until the next sweep is worth while. */
  async runOnce(): Promise<number> {
    const live = await this.#declareMissing();
    await this.#endTasksOfTheDead();
    this.#complainOfAbsence(live);
    await this.#promoteDue();
    await this.#expire();
    await this.#repair.runOnce();
    return this.#untilNext();
  }

  async #declareMissing(): Promise<ProcessRecord[]> {
    const { store, log } = this.#deps;
    const live = (await store.processes.list()).filter(process => process.state === 'live');
    for (const silent of this.#watch.observe(live)) {
      // Names the counter that was watched, and asks for a lapsed lease: a heartbeat that comes meanwhile wins.
      if (!(await store.processes.declareMissing(silent, { lapsed: true }))) continue;
      log.error(
        `${silent.role} "${silent.name}" is missing: no heartbeat since ${silent.beatAt.toISOString()} (host ${silent.host}, pid ${silent.pid}).`,
      );
    }
    return live;
  }

  /**
   * Every running task whose incarnation is not live, whenever that came about: a start may have landed after its worker went missing.
   * Tasks are read first and live incarnations second; in the other order a worker that registers between would lose its new work.
   */
  async #endTasksOfTheDead(): Promise<void> {
    const { store, hints, log } = this.#deps;
    for (let after: string | undefined; ;) {
      const active = await store.tasks.active(PAGE, after);
      const live = await store.processes.liveIncarnations();
      const dead = active.filter(task => !live.has(task.run?.incarnation ?? ''));
      await endLost({ tasks: store.tasks, hints, log }, dead);
      after = active.at(-1)?.id;
      if (active.length < PAGE) return;
    }
  }

  #complainOfAbsence(live: readonly ProcessRecord[]): void {
    const count = (role: ProcessRecord['role']): number => live.filter(process => process.role === role).length;
    for (const role of ['worker', 'resource-manager'] as const) {
      if (count(role) > 0) continue;
      this.#deps.log.error(
        `No ${role} is running: the service will not operate correctly without at least one. Start one with \`interlock ${role}\`.`,
      );
    }
    this.#deps.log.debug(
      `Live: ${count('worker')} workers, ${count('resource-manager')} resource managers, ${count('beat')} beats, ${count('api')} apis.`,
    );
  }

  /** Delays that have ended: ready now, with the number of now, so that they overtake nobody. */
  async #promoteDue(): Promise<void> {
    const { store, hints } = this.#deps;
    const due = await store.tasks.due(PAGE);
    if (due.length === 0) return;
    const first = await store.tasks.takeNumbers(due.length);
    for (const task of await store.tasks.promote(due, first)) hints.ready(task);
  }

  async #expire(): Promise<void> {
    this.#deps.hints.changed(await this.#deps.store.tasks.expire(PAGE));
  }

  /** Every `sweepMs`, and also when a silent process can be judged: its lease lapsed and its counter watched long enough. */
  async #untilNext(): Promise<number> {
    const { store, timing } = this.#deps;
    const lapseMs = (await store.processes.earliestLapseMs()) ?? Infinity;
    const judgedMs = Math.max(lapseMs, this.#watch.earliestMs());
    return Math.max(timing.sweepMs / MIN_FRACTION, Math.min(timing.sweepMs, judgedMs));
  }
}
