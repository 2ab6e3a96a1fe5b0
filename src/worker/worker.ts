import type { Broker, Destination } from '../broker/broker.js';
import type { Json, JsonObject } from '../core/json.js';
import type { OnMissing, ProcessIdentity, ProcessRecord } from '../core/process.js';
import type { Task } from '../core/task.js';
import type { Timing } from '../core/timing.js';
import { Dependents } from '../dispatch/dependents.js';
import { Hints } from '../dispatch/hints.js';
import { cancelAssigned, endLost } from '../dispatch/lost.js';
import type { Log } from '../process/log.js';
import { Presence } from '../process/presence.js';
import type { Runtime } from '../process/runtime.js';
import type { Service } from '../process/service.js';
import type { Store } from '../store/store.js';
import { ClaimLoop } from './claim-loop.js';
import { checkNamedTasks } from './heartbeat-check.js';
import { LastExits } from './last-exits.js';
import { OwnTasks } from './own-tasks.js';
import type { Pool } from './pool.js';
import { Recorder } from './recorder.js';
import { runTask, type RunDeps } from './run-task.js';

export interface WorkerDeps {
  store: Pick<Store, 'tasks' | 'processes' | 'joins'>;
  broker: Broker;
  pool: Pool;
  runtime: Runtime;
  log: Log;
  timing: Timing;
  name: string;
  identity: ProcessIdentity;
  versions: { interlock: string; node: string };
  queues: string[];
  /** Consumes nothing but its own queue. */
  dedicated: boolean;
  onMissing: OnMissing;
  /** How long running tasks may go on after the first signal, in milliseconds. */
  shutdownGraceMs: number;
  provedGone: (holder: ProcessRecord) => boolean;
  /** Kills what a dead worker of this name left running on this machine, and empties its directory. */
  endChildren: (holder: ProcessRecord) => Promise<void>;
  spawn: (body: JsonObject, parent: Task) => Promise<{ id: string }>;
  service: (name: string, input: JsonObject, task: Task) => Promise<Json>;
}

/** Runs tasks in child processes (steps 4 to 7). Owns the heartbeat: children live only as long as it is good. */
export class Worker implements Service {
  readonly name = 'worker';
  readonly #deps: WorkerDeps;
  readonly #own = new OwnTasks();
  readonly #exits = new LastExits();
  readonly #hints: Hints;
  readonly #dependents: Dependents;
  readonly #presence: Presence;
  readonly #claims: ClaimLoop;
  readonly #recorder: Recorder;
  #checking: Promise<void> | undefined;
  #checkAgain = false;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
    this.#hints = new Hints(deps.broker, deps.runtime.clock);
    const { tasks, joins } = deps.store;
    this.#dependents = new Dependents({ tasks, joins, hints: this.#hints, log: deps.log });
    this.#recorder = new Recorder({
      tasks: deps.store.tasks,
      runtime: deps.runtime,
      log: deps.log,
      trusted: incarnation => this.#presence.incarnation === incarnation,
    });
    this.#presence = this.#buildPresence();
    this.#claims = this.#buildClaims();
  }

  /** Throws NameHeld, StoreError, or what the pool throws when the task modules cannot be loaded. */
  async start(): Promise<void> {
    const { broker, pool } = this.#deps;
    await this.#presence.start();
    try {
      await pool.start();
    } catch (error) {
      await this.#presence.stop();
      throw error;
    }
    broker.onControl(message => {
      // Only a hint, which anybody could send: the record decides.
      const incarnation = this.#presence.incarnation;
      const here = this.#own.isRunning(message.task) || this.#claims.isAhead(message.task);
      if (incarnation !== undefined && here) void this.#check(incarnation);
    });
    await this.#claims.start();
  }

  /** Warm shutdown: no new work; what runs may end within the grace and is then cut off. The heartbeat goes on until the last one has ended. */
  async stop(): Promise<void> {
    const { pool, runtime, log, shutdownGraceMs, timing } = this.#deps;
    await this.#claims.stop();
    const deadlineMs = runtime.clock.monotonicMs() + shutdownGraceMs;
    if (this.#claims.open > 0) log.info(`Waiting up to ${shutdownGraceMs / 1_000} s for ${this.#claims.open} running tasks.`);
    while (this.#claims.open > 0 && runtime.clock.monotonicMs() < deadlineMs) await runtime.timers.sleep(100);
    for (const task of this.#own.running) pool.cancel(task.id, 'worker-shutdown');
    // Cutting off takes the graces of the pool, recording takes the database: if that is away, the self-fence ends the wait.
    while (this.#claims.open > 0 && this.#presence.trusted) await runtime.timers.sleep(Math.min(100, timing.heartbeatMs));
    await pool.stop();
    // A start whose answer was lost is ours no longer once this incarnation has ended: the sweep would call it lost.
    if (this.incarnation !== undefined) await this.#check(this.incarnation);
    await this.#presence.stop();
  }

  /** Undefined while it must not start anything. */
  get incarnation(): string | undefined {
    return this.#presence.trusted ? this.#presence.incarnation : undefined;
  }

  #buildPresence(): Presence {
    const { store, runtime, log, timing, name, identity, versions, queues, dedicated, pool, provedGone, endChildren } =
      this.#deps;
    return new Presence({
      processes: store.processes,
      runtime,
      log,
      timing,
      provedGone,
      endChildren,
      identity: { ...identity, name, role: 'worker', queues, dedicated, slots: pool.slots, versions },
      endTasks: holder => this.#endTasksOf(holder),
      onBeat: (incarnation, startedAtMs) => {
        pool.extendDeadline(startedAtMs + timing.selfFenceMs);
        void this.#check(incarnation);
      },
      onLost: () => pool.killAll(),
    });
  }

  /** Of a former holder of this name, which is dead. */
  async #endTasksOf(holder: ProcessRecord): Promise<void> {
    const { store, log, onMissing } = this.#deps;
    const deps = { tasks: store.tasks, hints: this.#hints, log };
    await endLost(deps, await store.tasks.namedBy(holder.incarnation), token => this.#exits.of(token));
    if (onMissing === 'cancelAssigned') await cancelAssigned(deps, holder);
  }

  #buildClaims(): ClaimLoop {
    const { store, broker, runtime, log, timing, name, queues, dedicated, pool } = this.#deps;
    const own: Destination = { to: 'worker', worker: name };
    const sources = dedicated ? [own] : [own, ...queues.map((queue): Destination => ({ to: 'queue', queue }))];
    return new ClaimLoop({
      tasks: store.tasks,
      own: this.#own,
      hints: this.#hints,
      intake: { broker, sources },
      runtime,
      log,
      timing,
      worker: name,
      queues: dedicated ? [] : queues,
      slots: pool.slots,
      incarnation: () => this.incarnation,
      run: claimed => runTask(claimed, this.#runDeps()),
    });
  }

  #runDeps(): RunDeps {
    const { pool, store, runtime, log, spawn, service } = this.#deps;
    const random = (): number => runtime.random.uniform();
    const own = { own: this.#own, recorder: this.#recorder, exits: this.#exits, hints: this.#hints };
    return { ...own, dependents: this.#dependents, pool, tasks: store.tasks, random, log, spawn, service };
  }

  /** Beside the heartbeat, never before it; one at a time. */
  #check(incarnation: string): Promise<void> {
    this.#checkAgain = true;
    this.#checking ??= this.#checkWhileAsked(incarnation);
    return this.#checking;
  }

  async #checkWhileAsked(incarnation: string): Promise<void> {
    const { store, pool, log } = this.#deps;
    const cancel = (id: string): void => {
      if (!this.#claims.cancelAhead(id)) pool.cancel(id, 'user');
    };
    try {
      // What came while an answer was under way is not in that answer.
      while (this.#checkAgain) {
        this.#checkAgain = false;
        await checkNamedTasks({ tasks: store.tasks, own: this.#own, hints: this.#hints, cancel, log }, incarnation);
      }
    } catch (error) {
      log.warn('Could not read which tasks the database thinks are running here.', { err: error });
    }
    this.#checking = undefined;
  }
}
