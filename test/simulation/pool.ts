import type { Outcome } from '../../src/core/outcome.js';
import { fenceOf } from '../../src/core/task.js';
import type { Job, Pool, PoolStats } from '../../src/worker/pool.js';
import type { Bodies } from './bodies.js';
import type { Chance } from './chance.js';
import { Child } from './child.js';
import type { SimulatedProcess } from './process.js';
import type { Scheduler } from './scheduler.js';

export interface SimulatedPoolDeps {
  process: SimulatedProcess;
  scheduler: Scheduler;
  chance: Chance;
  bodies: Bodies;
  slots: number;
  /** Whether children are slow to start and die by themselves. */
  faulty: () => boolean;
}

/** The port `Pool` with simulated children: they outlive their supervisor until their deadline, as real ones do. */
export class SimulatedPool implements Pool {
  readonly slots: number;
  readonly #deps: SimulatedPoolDeps;
  readonly #children = new Set<Child>();
  #deadlineMs = -Infinity;

  constructor(deps: SimulatedPoolDeps) {
    this.#deps = deps;
    this.slots = deps.slots;
  }

  get children(): readonly Child[] {
    return [...this.#children];
  }

  start(): Promise<void> {
    return this.#later(100);
  }

  run(job: Job): Promise<Outcome> {
    const { process, scheduler, chance, bodies, faulty } = this.#deps;
    const { ms = 0, fails = false, dies = false } = job.task.kwargs as { ms?: number; fails?: boolean; dies?: boolean };
    return new Promise(resolve => {
      const child = new Child(
        {
          task: job.task.id,
          attempt: job.task.attempt,
          fence: fenceOf(job.task),
          ms,
          ends: dies ? 'dies' : fails ? 'fails' : 'completes',
        },
        { scheduler, bodies, clock: process, deadlineMs: this.#deadlineMs, tickMs: () => tick(chance) },
        outcome => {
          this.#children.delete(child);
          // The news travels as a signal or a message: the supervisor hears it a little later, or after its pause.
          scheduler.after(chance.about(2), () => process.deliver(() => resolve(outcome)));
        },
      );
      this.#children.add(child);
      // A deadline that is given later reaches it, too; a process that takes long to start looks at it before user code.
      scheduler.after(faulty() && chance.happens(0.05) ? chance.between(0, 15_000) : chance.about(30), () => child.begin());
    });
  }

  cancel(taskId: string, reason: 'user' | 'worker-shutdown'): void {
    const { scheduler, chance } = this.#deps;
    for (const child of this.#children) {
      if (child.body.task === taskId) scheduler.after(chance.about(50), () => child.cancel(reason));
    }
  }

  extendDeadline(monotonicMs: number): void {
    this.#deadlineMs = Math.max(this.#deadlineMs, monotonicMs);
    for (const child of this.#children) child.deadlineMs = this.#deadlineMs;
  }

  async killAll(): Promise<void> {
    await this.#later(this.#deps.chance.about(20));
    for (const child of [...this.#children]) child.kill('worker-lost');
    await this.#later(5); // their runs have resolved by then, in any order with this
  }

  async stop(): Promise<void> {
    await this.killAll();
  }

  stats(): PoolStats {
    return { slots: this.slots, busy: this.#children.size, children: [], types: [] };
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
