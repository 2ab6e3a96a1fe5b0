import type { SimulatedExchange } from './broker/exchange.js';
import type { Chance } from './chance.js';
import type { SimulatedDeployment } from './deployment.js';
import type { Fault } from './scenario-faults.js';
import type { Scheduler } from './scheduler.js';
import type { ServerClock } from './server-clock.js';
import type { SimulatedDatabase } from '../../src/testing/store/database.js';
import { simulatedStore } from '../../src/testing/store/store.js';

export interface NemesisDeps {
  scheduler: Scheduler;
  chance: Chance;
  deployment: SimulatedDeployment;
  database: SimulatedDatabase;
  exchange: SimulatedExchange;
  serverClock: ServerClock;
  loseHints: (untilMs: number) => void;
  note: (line: string) => void;
}

/** Carries out the faults of a scenario at their times. */
export class Nemesis {
  readonly #deps: NemesisDeps;

  constructor(deps: NemesisDeps) {
    this.#deps = deps;
  }

  load(faults: readonly Fault[]): void {
    for (const fault of faults) this.#deps.scheduler.at(fault.atMs, () => this.#strike(fault));
  }

  #strike(fault: Fault): void {
    const { deployment, scheduler, note } = this.#deps;
    note(`fault: ${JSON.stringify(fault)}`);
    switch (fault.kind) {
      case 'restart':
        return deployment.restart(fault.target, fault.restartMs);
      case 'outage':
        return deployment.outage(scheduler.nowMs + fault.ms);
      case 'election':
        return this.#elect(fault);
      case 'clock-jump':
        return this.#deps.serverClock.move(fault.ms);
      case 'hints-lost':
        return this.#deps.loseHints(scheduler.nowMs + fault.ms);
      case 'broker-down':
      case 'broker-wiped':
      case 'queue-purged':
      case 'queue-deleted':
        return this.#breakBroker(fault);
      default:
        return this.#hurt(fault);
    }
  }

  #hurt(fault: Exclude<Extract<Fault, { target: string }>, { kind: 'restart' }>): void {
    const { deployment, scheduler } = this.#deps;
    const life = deployment.life(fault.target);
    if (!life) return;
    const children = life.pool?.children ?? [];
    switch (fault.kind) {
      case 'kill':
        return deployment.kill(life.process, fault.restartMs);
      case 'pause':
        life.process.pause(fault.ms);
        if (fault.children) for (const child of children) child.freeze(fault.ms);
        return;
      case 'freeze-children':
        for (const child of children) child.freeze(fault.ms);
        return;
      case 'kill-children':
        for (const child of children) child.die();
        return;
      case 'cut':
        if (fault.requests) life.link.requestsCutUntilMs = scheduler.nowMs + fault.ms;
        if (fault.replies) life.link.repliesCutUntilMs = scheduler.nowMs + fault.ms;
    }
  }

  #breakBroker(fault: Fault): void {
    const { exchange, scheduler } = this.#deps;
    const queue = { to: 'queue', queue: 'default' } as const;
    if (fault.kind === 'broker-wiped') exchange.wipe();
    if (fault.kind === 'queue-purged') exchange.purge(queue);
    if (fault.kind === 'queue-deleted') exchange.deleteQueue(queue);
    if (fault.kind !== 'broker-down') return;
    exchange.setUp(false);
    scheduler.after(fault.ms, () => exchange.setUp(true));
  }

  /** Nobody answers for a moment; then some processes still read from the old primary, until they write. Each member has a clock of its own. */
  #elect({ ms, clockMs }: Extract<Fault, { kind: 'election' }>): void {
    const { deployment, scheduler, chance, database, serverClock } = this.#deps;
    const store = simulatedStore(database.snapshot(serverClock.asItIs()));
    serverClock.move(clockMs);
    deployment.outage(scheduler.nowMs + chance.between(0, 3_000));
    for (const { link } of deployment.lives) {
      if (chance.happens(0.5)) link.stale = { store, untilMs: scheduler.nowMs + ms };
    }
  }
}
