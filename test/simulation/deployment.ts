import type { Task } from '../../src/core/task.js';
import type { ProcessRecord } from '../../src/core/process.js';
import type { Log } from '../../src/process/log.js';
import type { Service } from '../../src/process/service.js';
import type { Bodies } from './bodies.js';
import type { SimulatedBroker, SimulatedExchange } from './broker/exchange.js';
import type { Chance } from './chance.js';
import type { Link, Network } from './network.js';
import { SimulatedPool } from './pool.js';
import { SimulatedProcess, type MachineClock } from './process.js';
import { api, beat, manager, worker, type Api, type Parts } from './roles.js';
import { namesOf, type Role, type Scenario } from './scenario.js';
import type { Scheduler } from './scheduler.js';

/** One life of a process, from its start to its death. */
export interface Life {
  role: Role;
  process: SimulatedProcess;
  broker: SimulatedBroker;
  link: Link;
  pool: SimulatedPool | undefined;
  service: Service;
  state: 'starting' | 'up' | 'stopping';
}

export interface DeploymentDeps {
  scenario: Scenario;
  scheduler: Scheduler;
  chance: Chance;
  network: Network;
  exchange: SimulatedExchange;
  bodies: Bodies;
  faulty: () => boolean;
  /** A worker gives a start to a child. */
  starting: (worker: string, task: Task) => void;
  log: (name: string) => Log;
  note: (line: string) => void;
}

/** A process that takes longer than this to stop is killed, as systemd does it. */
const STOP_MS = 60_000;
/** Systemd starts it again, also where somebody asked it to end. */
const LEFT_MS = 2_000;
/** An async worker has this many times the slots: it is there to run many tasks. */
const ASYNC_TIMES = 4;

/** All processes of a run: starts them, and starts them again when they are gone, as systemd would. */
export class SimulatedDeployment {
  readonly #deps: DeploymentDeps;
  readonly #clocks = new Map<string, MachineClock>();
  readonly #everyLife = new Map<number, Life & { machine: string }>();
  readonly #current = new Map<string, Life>();
  #pids = 0;
  /** Cuts that hold for every process, also for those that are started meanwhile. */
  #outageUntilMs = -Infinity;

  constructor(deps: DeploymentDeps) {
    this.#deps = deps;
  }

  startAll(): void {
    for (const { role, name } of namesOf(this.#deps.scenario)) {
      this.#deps.scheduler.after(this.#deps.chance.about(500), () => this.#start(role, name));
    }
  }

  get lives(): Life[] {
    return [...this.#current.values()];
  }

  /** Whether somebody is stopped and will wake up. */
  get asleep(): boolean {
    return this.lives.some(life => life.process.paused);
  }

  life(name: string): Life | undefined {
    return this.#current.get(name);
  }

  /** Any api that listens. */
  anApi(): { api: Api; process: SimulatedProcess } | undefined {
    const apis = this.lives.filter(life => life.role === 'api' && life.state === 'up');
    if (apis.length === 0) return undefined;
    const { service, process } = this.#deps.chance.pick(apis);
    return { api: service as Api, process };
  }

  /** kill -9 of the supervisor. Its children find out by their lifeline, or not before their deadline. */
  kill(process: SimulatedProcess, restartMs: number): void {
    const life = this.#current.get(process.name);
    if (life?.process !== process) return;
    const { scheduler, chance, note } = this.#deps;
    this.#current.delete(process.name);
    note(`${process.name} (pid ${process.pid}) is dead`);
    process.kill();
    for (const child of life.pool?.children ?? []) {
      if (chance.happens(0.5)) scheduler.after(chance.about(300), () => child.kill('worker-lost'));
    }
    scheduler.after(restartMs, () => this.#start(life.role, process.name));
  }

  /** SIGTERM, and a new start afterwards. */
  restart(name: string, restartMs: number): void {
    const life = this.#current.get(name);
    if (life?.state !== 'up') return;
    life.state = 'stopping';
    const { scheduler } = this.#deps;
    const gone = (): void => this.kill(life.process, restartMs);
    life.process.deliver(() => void life.service.stop().then(() => life.process.deliver(gone)));
    scheduler.after(STOP_MS, gone);
  }

  outage(untilMs: number): void {
    this.#outageUntilMs = Math.max(this.#outageUntilMs, untilMs);
    for (const { link } of this.lives) link.requestsCutUntilMs = Math.max(link.requestsCutUntilMs, untilMs);
  }

  #start(role: Role, name: string): void {
    if (this.#current.has(name)) return;
    const { scheduler, chance, network, exchange, note } = this.#deps;
    const pid = ++this.#pids;
    // Most often where it was before; elsewhere nobody can see whether its former self is gone.
    const machine = chance.happens(0.8) ? `machine of ${name}` : `machine ${pid}`;
    const process = new SimulatedProcess({ name, pid, clock: this.#clockOf(machine) }, scheduler, chance.of(`${name} ${pid}`));
    const broker = exchange.connect(name, { deliver: run => process.deliver(run) });
    process.onDeath(() => broker.crash());
    const link: Link = { requestsCutUntilMs: this.#outageUntilMs, repliesCutUntilMs: -Infinity, stale: undefined };
    const parts: Parts = {
      process,
      broker,
      machine,
      store: network.storeFor(process, role, link, chance.of(`calls of ${name} ${pid}`)),
      provedGone: holder => this.#provedGone(holder, machine),
      endChildren: holder => this.#endChildren(holder, process, machine),
      assignment: this.#deps.scenario.assignment,
      onMissing: this.#deps.scenario.onMissing,
      retention: this.#deps.scenario.retention,
      log: this.#deps.log(name),
    };
    const pool = role === 'worker' ? this.#poolOf(process, name) : undefined;
    const life: Life = { role, process, broker, link, pool, service: this.#serviceOf(role, parts, pool), state: 'starting' };
    this.#current.set(name, life);
    this.#everyLife.set(pid, { ...life, machine });
    note(`${name} starts (pid ${pid}, ${machine})`);
    life.service.start().then(
      () => process.deliver(() => (life.state = life.state === 'starting' ? 'up' : life.state)),
      () => process.deliver(() => this.kill(process, chance.between(1_000, 5_000))), // refused or unreachable: systemd tries again
    );
  }

  #serviceOf(role: Role, parts: Parts, pool: SimulatedPool | undefined): Service {
    if (role === 'api') return api(parts);
    if (role === 'manager') return manager(parts);
    if (role === 'beat' || !pool) return beat(parts);
    const dedicated = parts.process.name.startsWith('dedicated');
    const { maxAwaiting } = this.#deps.scenario;
    const leave = (): void => this.restart(parts.process.name, LEFT_MS);
    return worker(parts, pool, { queues: dedicated ? [] : ['default', 'other'], dedicated, maxAwaiting }, leave);
  }

  #poolOf(process: SimulatedProcess, name: string): SimulatedPool {
    const { scheduler, chance, bodies, faulty, scenario } = this.#deps;
    const pool = chance.of(`pool of ${name} ${process.pid}`);
    const { slots, asyncWorkers } = scenario.processes;
    const kind = Number(/^worker-(\d+)$/.exec(name)?.[1]) <= asyncWorkers ? 'async' : 'prefork';
    const deps = {
      kind,
      process,
      scheduler,
      chance: pool,
      bodies,
      faulty,
      types: this.#typesOf(name),
      starting: this.#deps.starting,
    } as const;
    return new SimulatedPool({ ...deps, slots: kind === 'async' ? ASYNC_TIMES * slots : slots });
  }

  /** Half of the tasks, and an older version of some. */
  #typesOf(name: string): string[] {
    const { lacking, tasks } = this.#deps.scenario;
    if (!lacking.includes(name)) return [];
    return ['nothing', ...tasks.filter((_, index) => index % 2 === 0).map(({ label }) => label)];
  }

  #clockOf(machine: string): MachineClock {
    const known = this.#clocks.get(machine);
    if (known) return known;
    const chance = this.#deps.chance.of(machine);
    // Two clocks may drift apart by 4 %; what is measured in seconds on one must hold on the other (watch 22 s over fence 20 s).
    const clock = { rate: chance.between(0.98, 1.02), offsetMs: chance.between(0, 1e6) };
    this.#clocks.set(machine, clock);
    return clock;
  }

  #provedGone(holder: ProcessRecord, machine: string): boolean {
    return holder.host === machine && this.#everyLife.get(holder.pid)?.process.alive === false;
  }

  /** Those of another machine are out of reach: their own watchdogs end them. */
  async #endChildren(holder: ProcessRecord, by: SimulatedProcess, machine: string): Promise<void> {
    const { scheduler, chance } = this.#deps;
    const former = this.#everyLife.get(holder.pid);
    await new Promise<void>(resolve =>
      scheduler.after(chance.about(50), () => {
        // A process's own former incarnation has killed its children already; what it runs now must not be touched.
        const within = former?.machine === machine && !former.process.alive;
        if (within) for (const child of former.pool?.children ?? []) child.kill('worker-lost');
        by.deliver(resolve);
      }),
    );
  }
}
