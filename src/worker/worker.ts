import type { Broker, Destination } from '../broker/broker.js';
import type { Json, JsonObject } from '../core/json.js';
import type { CountUp } from '../core/counts.js';
import type { Control } from '../core/hint.js';
import type { Measured, OnMissing, ProcessIdentity, ProcessRecord, Told, WorkerStats } from '../core/process.js';
import type { Task } from '../core/task.js';
import type { Timing } from '../core/timing.js';
import type { Stage } from '../core/wish.js';
import { Dependents } from '../dispatch/dependents.js';
import { Events } from '../dispatch/events.js';
import { Hints } from '../dispatch/hints.js';
import { cancelAssigned, endLost } from '../dispatch/lost.js';
import type { Log } from '../process/log.js';
import { Presence } from '../process/presence.js';
import type { Runtime } from '../process/runtime.js';
import type { Service } from '../process/service.js';
import type { Store } from '../store/store.js';
import { Awaits } from './awaiting/awaits.js';
import { ClaimLoop } from './claim-loop.js';
import { Familiarity } from './familiarity.js';
import { checkNamedTasks } from './heartbeat-check.js';
import { LastExits } from './last-exits.js';
import { LateOutcomes } from './late-outcomes.js';
import { Leaving } from './leaving.js';
import { OwnTasks } from './own-tasks.js';
import type { Pool } from './pool.js';
import { Recorder } from './recorder.js';
import { runTask, type RunDeps } from './run-task.js';
import { StaleHints } from './stale-hints.js';
import { Steering } from './steering.js';

/** So many stand in the record of a worker; with more of them nobody can tell from outside what it knows. */
const MAX_TYPES = 1_000;
const NO_TYPES: readonly string[] = [];

export interface WorkerDeps {
  store: Pick<Store, 'tasks' | 'processes' | 'joins' | 'waits' | 'capacities'>;
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
  /** Somebody wants this process to end: calls `stop` soon. */
  leave: (stage: Stage) => void;
  /** What else of its numbers goes with a heartbeat. */
  measure: () => Omit<WorkerStats, 'busy' | 'ahead'>;
  /** How long running tasks may go on after the first signal, in milliseconds. */
  shutdownGraceMs: number;
  /** So many starts may wait for other tasks at a time, each without a slot. */
  maxAwaiting: number;
  provedGone: (holder: ProcessRecord) => boolean;
  /** Kills what a dead worker of this name left running on this machine, and empties its directory. */
  endChildren: (holder: ProcessRecord) => Promise<void>;
  spawn: RunDeps['spawn'];
  service: (name: string, input: JsonObject, task: Task) => Promise<Json>;
  count?: CountUp;
  /** What every process tells of itself. */
  tell?: () => Measured;
  timed?: RunDeps['timed'];
}

/** Runs tasks in child processes (steps 4 to 7). Owns the heartbeat: children live only as long as it is good. */
export class Worker implements Service {
  readonly name = 'worker';
  readonly #deps: WorkerDeps;
  readonly #own = new OwnTasks();
  readonly #exits = new LastExits();
  readonly #hints: Hints;
  readonly #events: Events;
  readonly #dependents: Dependents;
  readonly #awaits: Awaits;
  readonly #presence: Presence;
  readonly #claims: ClaimLoop;
  readonly #stale: StaleHints;
  readonly #recorder: Recorder;
  readonly #late: LateOutcomes;
  readonly #familiar: Familiarity;
  readonly #steering: Steering;
  readonly #leaving: Leaving;
  #checking: Promise<void> | undefined;
  #checkAgain = false;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
    this.#hints = new Hints(deps.broker, deps.runtime.clock);
    const { tasks, joins } = deps.store;
    this.#events = new Events({ broker: deps.broker, tasks, clock: deps.runtime.clock, log: deps.log });
    this.#dependents = new Dependents({ tasks, joins, hints: this.#hints, events: this.#events, log: deps.log });
    const trusted = (incarnation: string): boolean => this.#presence.incarnation === incarnation;
    this.#late = new LateOutcomes({ tasks, runtime: deps.runtime, log: deps.log });
    this.#recorder = new Recorder({ tasks, runtime: deps.runtime, log: deps.log, trusted });
    this.#awaits = new Awaits({ ...deps, ...deps.store, trusted });
    this.#familiar = new Familiarity({ types: () => deps.pool.types, clock: deps.runtime.clock, log: deps.log });
    this.#stale = new StaleHints(joins, (what, n) => deps.count?.(what, n));
    this.#presence = this.#buildPresence();
    this.#claims = this.#buildClaims();
    this.#steering = this.#buildSteering();
    this.#leaving = new Leaving({
      ...{ pool: deps.pool, own: this.#own, runtime: deps.runtime, log: deps.log, graceMs: deps.shutdownGraceMs },
      open: () => this.#claims.open,
      trusted: () => this.#presence.trusted,
    });
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
    this.#presence.beatSoon(); // now it knows its task types
    broker.onControl(message => this.#hear(message));
    await this.#claims.start();
  }

  /** Takes no new work, and ends what runs in stages; the heartbeat goes on until the last one has ended. */
  async stop(): Promise<void> {
    await this.#claims.stop();
    await this.#leaving.run();
    this.#late.stop();
    // A start whose answer was lost is ours no longer once this incarnation has ended: the sweep would call it lost.
    if (this.incarnation !== undefined) await this.#check(this.incarnation);
    await this.#presence.stop();
  }

  /** Goes on to this stage of its end; also before that has begun. */
  hasten(stage: Stage): void {
    this.#leaving.hasten(stage);
  }

  /** Undefined while it must not start anything. */
  get incarnation(): string | undefined {
    return this.#presence.trusted ? this.#presence.incarnation : undefined;
  }

  /** Only a hint, which anybody could send: the record decides. */
  #hear(message: Control): void {
    if (message.kind === 'wish') {
      if (message.worker === null || message.worker === this.#deps.name) this.#presence.beatSoon();
      return;
    }
    if (message.kind === 'ended') return this.#awaits.ended(message.tasks);
    const incarnation = this.#presence.incarnation;
    const here = this.#own.isRunning(message.task) || this.#claims.isAhead(message.task);
    if (incarnation !== undefined && here) void this.#check(incarnation);
  }

  #told(): Told {
    const { pool, measure, tell } = this.#deps;
    const stats = { ...measure(), busy: this.#claims.busy, ahead: this.#claims.ahead };
    return {
      ...tell?.(),
      ...this.#steering.told,
      types: pool.types.length > MAX_TYPES ? NO_TYPES : pool.types,
      unfamiliar: this.#familiar.told,
      stats,
    };
  }

  #buildPresence(): Presence {
    const { store, runtime, log, timing, name, identity, versions, queues, dedicated, pool, provedGone, endChildren, count } =
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
      tell: () => this.#told(),
      onBeat: (incarnation, startedAtMs, wish) => {
        pool.extendDeadline(startedAtMs + timing.selfFenceMs);
        this.#steering.heed(incarnation, wish);
        void this.#check(incarnation);
        void this.#lookAtAwaited();
        void this.#stale.look();
      },
      onLost: () => pool.killAll(),
      ...(count && { count }),
    });
  }

  /** Of a former holder of this name, which is dead. */
  async #endTasksOf(holder: ProcessRecord): Promise<void> {
    const { store, log, onMissing } = this.#deps;
    const deps = { tasks: store.tasks, hints: this.#hints, events: this.#events, log };
    const lost = await endLost(deps, await store.tasks.namedBy(holder.incarnation), token => this.#exits.of(token));
    this.#deps.count?.('tasksLost', lost);
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
      events: this.#events,
      familiar: this.#familiar,
      intake: { broker, sources },
      runtime,
      log,
      timing,
      worker: name,
      queues: dedicated ? [] : queues,
      slots: pool.slots,
      incarnation: () => this.incarnation,
      run: (claimed, place) => runTask(claimed, place, this.#runDeps()),
      wasted: tasks => this.#stale.note(tasks),
    });
  }

  #buildSteering(): Steering {
    const { pool, log, leave } = this.#deps;
    return new Steering({
      ...{ pool, log, claims: this.#claims },
      answer: () => this.#presence.beatSoon(),
      leave: stage => {
        this.hasten(stage);
        leave(stage);
      },
    });
  }

  #runDeps(): RunDeps {
    const { pool, store, runtime, log, spawn, service, count, timed } = this.#deps;
    const random = (): number => runtime.random.uniform();
    const own = {
      own: this.#own,
      recorder: this.#recorder,
      late: this.#late,
      exits: this.#exits,
      hints: this.#hints,
      events: this.#events,
    };
    return {
      ...own,
      familiar: this.#familiar,
      awaits: this.#awaits,
      waits: store.waits,
      dependents: this.#dependents,
      pool,
      tasks: store.tasks,
      random,
      log,
      spawn,
      service,
      count,
      timed,
    };
  }

  async #lookAtAwaited(): Promise<void> {
    try {
      await this.#awaits.look();
    } catch (error) {
      this.#deps.log.warn('Could not read whether the tasks that are waited for have ended.', { err: error });
    }
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
        const told = { hints: this.#hints, events: this.#events };
        await checkNamedTasks({ tasks: store.tasks, own: this.#own, ...told, cancel, log }, incarnation);
      }
    } catch (error) {
      log.warn('Could not read which tasks the database thinks are running here.', { err: error });
    }
    this.#checking = undefined;
  }
}
