import type { Outcome } from '../../core/outcome.js';
import type { EndReason } from '../../core/task.js';
import type { Log } from '../../process/log.js';
import type { Runtime } from '../../process/runtime.js';
import { errorOf } from '../../tasks/body.js';
import type { Job, JobEvents, Pool, PoolStats } from '../pool.js';
import { monotonicMs } from './budget.js';
import type { ChildHandle } from './child-handle.js';
import { ChildrenLedger, leftoversOf } from './children-ledger.js';
import { WorkerDirectory, type TaskDirectory } from './directory.js';
import { Supply } from './supply.js';

export interface PreforkOptions {
  slots: number;
  workerName: string;
  /** Absolute; see `workerDirectoryOf`. Made anew at `start`. */
  workerDirectory: string;
  /** Paths or packages, counted from `moduleBase`. */
  taskModules: readonly string[];
  moduleBase: string;
  /** Names of further environment variables that task code sees. */
  childEnvironment: readonly string[];
  /** From the AbortSignal to SIGTERM, and from there to SIGKILL. */
  graceMs: number;
  killMs: number;
  /** A child is replaced after so many; 0: never. */
  recycleAfterTasks: number;
  /** Resident memory at which a child is killed. */
  memoryMiB: number;
  resultLimitBytes: number;
  log: Log;
  runtime: Runtime;
}

/** A task that no child could be started for in this time has failed. */
const CHILD_WAIT_MS = 60_000;

/** A pool of child processes that run one task at a time each, killable at any moment (design: step 5). */
export function createPreforkPool(options: PreforkOptions): Pool {
  return new PreforkPool(options);
}

interface Slot {
  child?: ChildHandle;
  canceled?: EndReason;
  /** Ends the wait for a child. */
  readonly giveUp: AbortController;
}

class PreforkPool implements Pool {
  readonly slots: number;
  readonly #options: PreforkOptions;
  readonly #directory: WorkerDirectory;
  readonly #supply: Supply;
  readonly #running = new Map<string, Slot>();
  #created = false;
  #stopped: Promise<void> | undefined;

  constructor(options: PreforkOptions) {
    this.slots = options.slots;
    this.#options = options;
    this.#directory = new WorkerDirectory(options.workerDirectory, error => {
      options.log.warn('What a task left in its working directory could not be deleted.', { error });
    });
    const { workerDirectory: directory } = options;
    this.#supply = new Supply(options.slots, { ...options, directory, ledger: new ChildrenLedger(directory) });
  }

  async start(): Promise<void> {
    const { workerDirectory } = this.#options;
    const [alive] = leftoversOf(workerDirectory);
    if (alive) {
      throw new Error(
        `${workerDirectory} belongs to a worker whose child ${alive.pid} is alive. End that worker (killLeftovers ends the children of a dead one).`,
      );
    }
    await this.#directory.create();
    this.#created = true;
    new ChildrenLedger(workerDirectory).create();
    try {
      await this.#supply.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async run(job: Job, events: JobEvents): Promise<Outcome> {
    const slot: Slot = { giveUp: new AbortController() };
    this.#running.set(job.task.id, slot);
    try {
      const child = await this.#take(slot);
      return child ? await this.#runOn(child, slot, job, events) : this.#unstarted(slot);
    } catch (error) {
      this.#options.log.error('A task could not be handed to a child.', { taskId: job.task.id, error });
      return { kind: 'failed', error: errorOf(error) };
    } finally {
      // The same task may have been started here again while its former directory was being removed.
      if (this.#running.get(job.task.id) === slot) this.#running.delete(job.task.id);
    }
  }

  cancel(taskId: string, reason: 'user' | 'worker-shutdown'): void {
    const slot = this.#running.get(taskId);
    if (!slot || slot.canceled !== undefined) return;
    slot.canceled = reason;
    slot.giveUp.abort();
    slot.child?.cancel(reason);
  }

  extendDeadline(deadlineMs: number): void {
    // Children judge by CLOCK_MONOTONIC; the runtime's clock may be another. Read in this order a pause between the two makes the deadline earlier.
    const here = monotonicMs();
    this.#supply.extendDeadline(here + (deadlineMs - this.#options.runtime.clock.monotonicMs()));
  }

  killAll(): Promise<void> {
    return this.#supply.endAll({ kind: 'worker-lost' });
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#shutDown();
    return this.#stopped;
  }

  stats(): PoolStats {
    const children = [...this.#supply.children].filter(child => child.alive);
    return {
      slots: this.slots,
      busy: this.#running.size,
      children: children.map(({ identity: { pid, startTicks }, task, tasksRun }) => ({ pid, startTicks, task, tasksRun })),
      types: this.#supply.types,
    };
  }

  async #shutDown(): Promise<void> {
    await this.#supply.stop();
    if (this.#created) await this.#directory.delete(); // else it is not ours
  }

  async #take(slot: Slot): Promise<ChildHandle | undefined> {
    if (this.#supply.expired) return undefined;
    const { timers } = this.#options.runtime;
    const taken = new AbortController();
    void timers.sleep(CHILD_WAIT_MS, taken.signal).then(() => taken.signal.aborted || slot.giveUp.abort());
    const child = await this.#supply.take(slot.giveUp.signal);
    taken.abort();
    return child;
  }

  async #runOn(child: ChildHandle, slot: Slot, job: Job, events: JobEvents): Promise<Outcome> {
    let directory: TaskDirectory | undefined;
    try {
      directory = await this.#directory.createTask(job.task.id);
      // Canceled, or past the deadline, while the directory was made: the body never begins.
      if (slot.canceled !== undefined || this.#supply.expired) return this.#unstarted(slot);
      slot.child = child;
      return await child.run(job, events, directory.path);
    } finally {
      if (this.#isUsedUp(child)) void child.end({ kind: 'retired' });
      this.#supply.giveBack(child);
      await directory?.remove().catch((error: unknown) => {
        this.#options.log.warn('The working directory of a task could not be removed.', { taskId: job.task.id, error });
      });
    }
  }

  #isUsedUp(child: ChildHandle): boolean {
    const { recycleAfterTasks } = this.#options;
    return recycleAfterTasks > 0 && child.tasksRun >= recycleAfterTasks;
  }

  #unstarted(slot: Slot): Outcome {
    if (slot.canceled !== undefined) return { kind: 'canceled', reason: slot.canceled };
    if (this.#stopped) return { kind: 'canceled', reason: 'worker-shutdown' };
    if (!slot.giveUp.signal.aborted) return { kind: 'canceled', reason: 'worker-lost' };
    const message = `No child process could be started within ${CHILD_WAIT_MS / 1_000} s; the worker's log says why.`;
    return { kind: 'failed', error: { code: 'CHILD_DIED', message } };
  }
}
