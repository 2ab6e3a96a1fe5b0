import type { CountUp } from '../core/counts.js';
import type { OnMissing, ProcessRecord } from '../core/process.js';
import type { Events } from '../dispatch/events.js';
import type { Hints } from '../dispatch/hints.js';
import { cancelAssigned } from '../dispatch/lost.js';
import type { Log } from '../process/log.js';
import type { Clock } from '../process/runtime.js';
import type { Store } from '../store/store.js';
import { Watch } from './watch.js';

export interface MissingDeps {
  store: Pick<Store, 'tasks' | 'processes'>;
  hints: Hints;
  events: Pick<Events, 'look'>;
  clock: Clock;
  log: Log;
  watchMs: number;
  onMissing: OnMissing;
  /** How long the record of a process that has ended is kept. */
  retentionMs: number;
  count?: CountUp | undefined;
}

/** One round forgets this many at most. */
const FORGET = 500;

/** Processes that fall silent: declared missing, settled, at last forgotten. Every step may be repeated, by any beat, at any time. */
export class MissingProcesses {
  readonly #deps: MissingDeps;
  readonly #watch: Watch;

  constructor(deps: MissingDeps) {
    this.#deps = deps;
    this.#watch = new Watch(deps.clock, deps.watchMs);
  }

  async declare(): Promise<void> {
    const { store, log, count } = this.#deps;
    const live = (await store.processes.list()).filter(process => process.state === 'live');
    this.#complainOfAbsence(live);
    for (const silent of this.#watch.observe(live)) {
      // Names the counter that was watched, and asks for a lapsed lease: a heartbeat that comes meanwhile wins.
      if (!(await store.processes.declareMissing(silent, { lapsed: true }))) continue;
      count?.('processesMissing');
      log.error(
        `${silent.role} "${silent.name}" is missing: no heartbeat since ${silent.beatAt.toISOString()} (host ${silent.host}, pid ${silent.pid}).`,
      );
    }
  }

  /** By what the records say, not by what this beat has declared: whoever declared it may have died before the next step. */
  async settle(): Promise<void> {
    const { store, hints, events, log, onMissing } = this.#deps;
    for (const missing of await store.processes.list()) {
      if (missing.state !== 'missing' || missing.settled) continue;
      if (missing.role === 'worker' && onMissing === 'cancelAssigned') {
        await cancelAssigned({ tasks: store.tasks, hints, events, log }, missing);
      }
      await store.processes.settle(missing.name, missing.incarnation);
    }
  }

  async forget(): Promise<void> {
    const { store, log, retentionMs } = this.#deps;
    const names = await store.processes.forget(retentionMs, FORGET);
    if (names.length > 0) log.info(`Forgot ${names.length} processes that ended long ago.`, { names });
  }

  /** Until the first silent process can be judged: its counter watched for long enough. */
  earliestMs(): number {
    return this.#watch.earliestMs();
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
}
