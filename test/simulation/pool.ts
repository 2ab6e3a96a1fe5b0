import type { Outcome } from '../../src/core/outcome.js';
import { fenceOf } from '../../src/core/task.js';
import type { Job, Pool, PoolStats } from '../../src/worker/pool.js';
import type { Bodies } from './bodies.js';
import type { Chance } from './chance.js';
import { Child } from './child.js';
import { ChildProcess } from './child-process.js';
import type { SimulatedProcess } from './process.js';
import type { TaskPlan } from './scenario.js';
import type { Scheduler } from './scheduler.js';

export interface SimulatedPoolDeps {
  /** `async`: all bodies in one process. */
  kind: 'prefork' | 'async';
  process: SimulatedProcess;
  scheduler: Scheduler;
  chance: Chance;
  bodies: Bodies;
  slots: number;
  /** Whether children are slow to start and die by themselves. */
  faulty: () => boolean;
}

/** How long a body that does not heed its cancellation is waited for, and the others in its process after that: short, so that much happens. */
const GRACES_MS = 1_000;
const RETIRE_MS = 2_000;

/** The port `Pool` with simulated children: they outlive their supervisor until their deadline, as real ones do. */
export class SimulatedPool implements Pool {
  readonly slots: number;
  readonly #deps: SimulatedPoolDeps;
  readonly #processes = new Set<ChildProcess>();
  /** Of `async`: where new bodies go. */
  #current: ChildProcess | undefined;
  #deadlineMs = -Infinity;

  constructor(deps: SimulatedPoolDeps) {
    this.#deps = deps;
    this.slots = deps.slots;
  }

  /** Those in which something runs. */
  get children(): readonly ChildProcess[] {
    return [...this.#processes];
  }

  start(): Promise<void> {
    return this.#later(100);
  }

  run(job: Job): Promise<Outcome> {
    const { process, scheduler, chance, bodies, faulty } = this.#deps;
    const { ms = 0, ends = 'completes' } = job.task.kwargs as { ms?: number; ends?: TaskPlan['ends'] };
    const home = this.#home();
    return new Promise(resolve => {
      const child = new Child(
        {
          task: job.task.id,
          attempt: job.task.attempt,
          fence: fenceOf(job.task),
          ms,
          ends: ends !== 'flaky' ? ends : job.task.attempt === 1 ? 'fails' : 'completes',
        },
        {
          scheduler,
          bodies,
          clock: process,
          deadlineMs: this.#deadlineMs,
          tickMs: () => tick(chance),
          crash: () => home.die(),
        },
        outcome => {
          home.bodies.delete(child);
          if (home.bodies.size === 0) this.#processes.delete(home);
          // The news travels as a signal or a message: the supervisor hears it a little later, or after its pause.
          scheduler.after(chance.about(2), () => process.deliver(() => resolve(outcome)));
        },
      );
      home.add(child);
      this.#processes.add(home);
      // A deadline that is given later reaches it, too; a process that takes long to start looks at it before user code.
      scheduler.after(faulty() && chance.happens(0.05) ? chance.between(0, 15_000) : chance.about(30), () => child.begin());
    });
  }

  cancel(taskId: string, reason: 'user' | 'worker-shutdown'): void {
    for (const home of this.#processes) {
      for (const child of home.bodies) if (child.body.task === taskId) this.#end(child, home, reason);
    }
  }

  extendDeadline(monotonicMs: number): void {
    this.#deadlineMs = Math.max(this.#deadlineMs, monotonicMs);
    for (const home of this.#processes) for (const child of home.bodies) child.deadlineMs = this.#deadlineMs;
  }

  async killAll(): Promise<void> {
    await this.#later(this.#deps.chance.about(20));
    for (const home of this.children) home.kill('worker-lost');
    await this.#later(5); // their runs have resolved by then, in any order with this
  }

  async stop(): Promise<void> {
    await this.killAll();
  }

  stats(): PoolStats {
    const busy = this.children.reduce((sum, { bodies }) => sum + bodies.size, 0);
    return { slots: this.slots, busy, children: [], types: [] };
  }

  #home(): ChildProcess {
    const { kind, scheduler } = this.#deps;
    if (kind === 'prefork') return new ChildProcess(scheduler);
    if (!this.#current || this.#current.retired) this.#current = new ChildProcess(scheduler);
    return this.#current;
  }

  #end(child: Child, home: ChildProcess, reason: 'user' | 'worker-shutdown'): void {
    const { kind, scheduler, chance, faulty } = this.#deps;
    const heeds = kind === 'prefork' || !faulty() || chance.happens(0.7);
    if (heeds) scheduler.after(chance.about(50), () => child.cancel(reason));
    else void this.#retire(child, home, reason);
  }

  /** Its supervisor's doing: a paused one does it later, a dead one never. */
  async #retire(stubborn: Child, home: ChildProcess, reason: 'user' | 'worker-shutdown'): Promise<void> {
    await this.#later(GRACES_MS);
    if (!stubborn.alive) return;
    home.retired = true;
    await this.#later(RETIRE_MS);
    stubborn.cancel(reason);
    home.kill('worker-lost');
  }

  #later(ms: number): Promise<void> {
    const { process, scheduler } = this.#deps;
    return new Promise(resolve => scheduler.after(ms, () => process.deliver(resolve)));
  }
}

/** A watchdog looks every 100 ms; where the machine is busy, later. */
function tick(chance: Chance): number {
  return chance.happens(0.1) ? chance.between(0, 1_000) : chance.between(0, 100);
}
