import { labelOf } from '../core/task-type.js';
import type { Log } from '../process/log.js';
import type { Runtime } from '../process/runtime.js';
import type { Registry } from '../tasks/registry.js';
import { TimeKeeper } from '../worker/children/time-keeper.js';
import type { Job, JobEvents, Pool, PoolStats, RunOutcome } from '../worker/pool.js';
import { LabBody } from './body.js';
import { Places } from './places.js';
import { within } from './real-time.js';

export interface LabPoolDeps {
  registry: Registry;
  runtime: Runtime;
  log: Log;
  worker: string;
  slots: number;
}

/** As a deployment has them that sets no others. */
const GRACES_MS = 7_000;
const TIME_LIMIT_MS = 86_400_000;
const RESULT_LIMIT_BYTES = 1_048_576;

/** The port `Pool` in this process: bodies run as they are, on virtual time. */
export class LabPool implements Pool {
  readonly kind = 'async';
  readonly types: readonly string[];
  readonly places = new Places();
  readonly #deps: LabPoolDeps;
  readonly #bodies = new Map<string, LabBody>();
  readonly #timeKeeper: TimeKeeper;
  #whenChanged: (() => void)[] = [];
  #slots: number;
  #ended = 0;

  constructor(deps: LabPoolDeps) {
    this.#deps = deps;
    this.#slots = deps.slots;
    this.types = deps.registry.list().map(labelOf);
    this.#timeKeeper = new TimeKeeper(deps.runtime, TIME_LIMIT_MS);
  }

  get slots(): number {
    return this.#slots;
  }

  /** Those that have a slot. */
  get busy(): number {
    return this.#bodies.size - this.places.away;
  }

  /** Those that do something, or wait for anything but virtual time. */
  get active(): LabBody[] {
    return [...this.#bodies.values()].filter(body => body.active);
  }

  async run(job: Job, events: JobEvents): Promise<RunOutcome> {
    const { registry, runtime, log, worker } = this.#deps;
    const body = new LabBody(job, events, {
      ...{ registry, worker, timers: runtime.timers, resultLimitBytes: RESULT_LIMIT_BYTES },
      monotonicMs: () => runtime.clock.monotonicMs(),
      log: log.child({ taskId: job.task.id, taskName: job.task.name }),
      cameToRest: () => this.changed(),
    });
    this.#bodies.set(job.task.id, body);
    this.#timeKeeper.watch(body, {
      ask: limitMs => body.exceed(limitMs),
      end: error => body.end({ kind: 'failed', error, reason: 'timeout' }),
    });
    body.begin();
    const outcome = await body.ended;
    this.#timeKeeper.forget(body);
    this.#bodies.delete(job.task.id);
    this.places.ended(job.task.id);
    this.#ended += 1;
    return outcome;
  }

  cancel(taskId: string, reason: 'user' | 'worker-shutdown'): void {
    const body = this.#bodies.get(taskId);
    if (!body || body.canceled !== undefined) return;
    body.cancel(reason);
    void this.#deps.runtime.timers.sleep(GRACES_MS).then(() => body.end({ kind: 'canceled', reason }));
  }

  /** Resolves false when nothing has changed for so long in real time. */
  change(ms: number): Promise<boolean> {
    return within(ms, new Promise<void>(resolve => this.#whenChanged.push(resolve)));
  }

  changed(): void {
    for (const resolve of this.#whenChanged.splice(0)) resolve();
  }

  killAll(): Promise<void> {
    for (const body of [...this.#bodies.values()]) body.end({ kind: 'canceled', reason: 'worker-lost' });
    return Promise.resolve();
  }

  setAwaiting(taskId: string, awaits: boolean): void {
    const body = this.#bodies.get(taskId);
    if (body) this.#timeKeeper.setAwaiting(body, awaits);
  }

  resize(slots: number): void {
    this.#slots = slots;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    await this.killAll();
    this.#timeKeeper.stop();
  }

  extendDeadline(): void {
    // Nobody but the test itself could cut it off.
  }

  stats(): PoolStats {
    return {
      slots: this.slots,
      busy: this.busy,
      awaiting: this.places.away,
      children: [],
      types: this.types,
      tasksRun: this.#ended,
    };
  }
}
