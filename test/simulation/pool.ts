import type { JsonObject } from '../../src/core/json.js';
import { knownTypes, mayRun } from '../../src/core/task-type.js';
import { fenceOf, type Task } from '../../src/core/task.js';
import type { Job, JobEvents, Pool, PoolStats, RunOutcome } from '../../src/worker/pool.js';
import type { Bodies } from './bodies.js';
import type { Chance } from './chance.js';
import { Child } from './child.js';
import { ChildProcess } from './child-process.js';
import type { SimulatedProcess } from './process.js';
import type { CallPlan } from './calls.js';
import type { TaskPlan } from './scenario.js';
import { asJson } from '../../src/testing/store/records.js';
import type { Scheduler } from './scheduler.js';

export interface SimulatedPoolDeps {
  /** `async`: all bodies in one process. */
  kind: 'prefork' | 'async';
  process: SimulatedProcess;
  scheduler: Scheduler;
  chance: Chance;
  bodies: Bodies;
  slots: number;
  /** Labels of what its children have; none: everything. */
  types: readonly string[];
  starting: (worker: string, task: Task) => void;
  /** Whether children are slow to start and die by themselves. */
  faulty: () => boolean;
}

const OLDER_CHILD = 0.01;
/** How long a body that does not heed its cancellation is waited for, and the others in its process after that: short, so that much happens. */
const GRACES_MS = 1_000;
const RETIRE_MS = 2_000;

/** The port `Pool` with simulated children: they outlive their supervisor until their deadline, as real ones do. */
export class SimulatedPool implements Pool {
  readonly kind: 'prefork' | 'async';
  /** Every process here has the same code, unless a scenario says otherwise. */
  readonly types: readonly string[];
  slots: number;
  readonly #deps: SimulatedPoolDeps;
  readonly #processes = new Set<ChildProcess>();
  /** Of `async`: where new bodies go. */
  #current: ChildProcess | undefined;
  #deadlineMs = -Infinity;

  constructor(deps: SimulatedPoolDeps) {
    this.#deps = deps;
    this.slots = deps.slots;
    this.kind = deps.kind;
    this.types = deps.types;
  }

  /** Those in which something runs. */
  get children(): readonly ChildProcess[] {
    return [...this.#processes];
  }

  start(): Promise<void> {
    return this.#later(100);
  }

  run(job: Job, events: JobEvents): Promise<RunOutcome> {
    const { process, scheduler, chance, bodies, faulty, starting } = this.#deps;
    starting(process.name, job.task);
    // Its child is older than the newest one, and has other types; or the claim was sent without a look.
    const older = faulty() && chance.of(`older child for ${job.task.id} ${job.token}`).happens(OLDER_CHILD);
    if (older || !mayRun(knownTypes(this.types), job.task)) return this.#later(1).then(() => ({ kind: 'unfamiliar' }));
    const { ms = 0, ends = 'completes', calls } = job.task.kwargs as unknown as Partial<Pick<TaskPlan, 'ms' | 'ends' | 'calls'>>;
    const home = this.#home();
    return new Promise(resolve => {
      const child: Child = new Child(
        {
          task: job.task.id,
          attempt: job.task.attempt,
          fence: fenceOf(job.task),
          ms,
          ends: ends !== 'flaky' ? ends : job.task.attempt === 1 ? 'fails' : 'completes',
          calls: calls ?? { children: [], together: false },
        },
        {
          scheduler,
          bodies,
          clock: process,
          deadlineMs: this.#deadlineMs,
          tickMs: () => tick(chance),
          crash: () => home.die(),
          call: plan => this.#call(plan, job.task.id, { child, events }),
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

  resize(slots: number): void {
    this.slots = slots;
  }

  setAwaiting(): void {
    return; // a body that waits needs no process of its own here
  }

  /** Asks its supervisor for a child, and for its end: by messages both ways, which a dead supervisor neither hears nor sends. */
  #call(plan: CallPlan, parent: string, { child, events }: { child: Child; events: JobEvents }): void {
    const { process, scheduler, chance } = this.#deps;
    const { exclusive, ms, ends, requeue, calls, tolerated, under } = plan;
    const kwargs = asJson({ ms, ends, ...(calls && { calls }) }) as unknown as JsonObject;
    const loss = requeue ? { onWorkerLoss: 'requeue' } : {};
    const body: JsonObject = { name: 'called', kwargs, exclusive, parent, ...loss };
    const tell = (completed: boolean): void => scheduler.after(chance.about(2), () => child.answered(completed || tolerated));
    process.deliver(() => {
      if (!child.alive) return;
      const outcome = events
        .spawn(body, { awaited: true, ...(under && { underParent: true }) })
        .then(({ id }) => events.outcomeOf(id, child.left));
      outcome.then(
        ({ state }) => tell(state === 'completed'),
        () => tell(false),
      );
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
    return { slots: this.slots, busy, awaiting: 0, children: [], types: this.types, tasksRun: 0 };
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
