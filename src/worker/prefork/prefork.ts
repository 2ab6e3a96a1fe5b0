import { availableParallelism } from 'node:os';

import type { Outcome } from '../../core/outcome.js';
import type { EndReason } from '../../core/task.js';
import { errorOf } from '../../tasks/body.js';
import { ChildRun } from '../children/child-run.js';
import type { TaskDirectory } from '../children/directory.js';
import { CHILD_WAIT_MS, type PoolOptions } from '../children/pool-options.js';
import { Premises } from '../children/premises.js';
import { Supply } from '../children/supply.js';
import { TimeKeeper } from '../children/time-keeper.js';
import { outcomeOfWait } from '../children/unstarted.js';
import type { Job, JobEvents, Pool, PoolStats } from '../pool.js';
import { FreeChildren } from './free-children.js';
import { PreforkChild } from './prefork-child.js';

/** Starting a child costs a CPU for a moment: 64 at once would make none of them ready for 7 s on two cores. */
const STARTS_AT_ONCE = Math.max(2, Math.floor(availableParallelism() / 2));

/** A pool of child processes that run one task at a time each, killable at any moment (design: step 5). */
export function createPreforkPool(options: PoolOptions): Pool {
  return new PreforkPool(options);
}

interface Slot {
  child?: PreforkChild;
  canceled?: EndReason;
  /** Ends the wait for a child, where there is one. */
  giveUp?: AbortController;
}

class PreforkPool implements Pool {
  readonly slots: number;
  readonly #options: PoolOptions;
  readonly #premises: Premises;
  readonly #supply: Supply<PreforkChild>;
  readonly #free = new FreeChildren();
  readonly #timeKeeper: TimeKeeper;
  readonly #running = new Map<string, Slot>();
  #stopped: Promise<void> | undefined;

  constructor(options: PoolOptions) {
    const { slots, workerDirectory: directory, timeLimitMs, log, runtime } = options;
    this.slots = slots;
    this.#options = options;
    this.#premises = new Premises(directory, log);
    const { ledger } = this.#premises;
    const timeKeeper = (this.#timeKeeper = new TimeKeeper(runtime, timeLimitMs));
    this.#supply = new Supply({
      wanted: slots,
      startsAtOnce: STARTS_AT_ONCE,
      create: () => new PreforkChild({ ...options, tasksAtOnce: 1, directory, ledger, timeKeeper }),
      onReady: child => this.#free.offer(child),
      onGone: child => this.#free.remove(child),
      log,
      runtime,
    });
  }

  async start(): Promise<void> {
    await this.#premises.open();
    try {
      await this.#supply.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async run(job: Job, events: JobEvents): Promise<Outcome> {
    const slot: Slot = {};
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
    slot.giveUp?.abort();
    slot.child?.cancel(reason);
  }

  extendDeadline(deadlineMs: number): void {
    this.#supply.extendDeadline(deadlineMs);
  }

  killAll(): Promise<void> {
    this.#free.clear();
    return this.#supply.endAll({ kind: 'worker-lost' });
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#shutDown();
    return this.#stopped;
  }

  stats(): PoolStats {
    return { slots: this.slots, busy: this.#running.size, children: this.#supply.shown, types: this.#supply.types };
  }

  async #shutDown(): Promise<void> {
    const ended = this.#supply.stop();
    this.#free.clear();
    await ended;
    this.#timeKeeper.stop();
    await this.#premises.close();
  }

  async #take(slot: Slot): Promise<PreforkChild | undefined> {
    if (this.#supply.expired || this.#stopped) return undefined;
    const free = this.#free.takeNow();
    if (free) return free; // most often, and then no clock is needed
    const giveUp = (slot.giveUp = new AbortController());
    const taken = new AbortController();
    const { timers } = this.#options.runtime;
    void timers.sleep(CHILD_WAIT_MS, taken.signal).then(() => taken.signal.aborted || giveUp.abort());
    const child = await this.#free.next(giveUp.signal);
    taken.abort();
    return child;
  }

  async #runOn(child: PreforkChild, slot: Slot, job: Job, events: JobEvents): Promise<Outcome> {
    const { id } = job.task;
    let directory: TaskDirectory | undefined;
    try {
      directory = await this.#premises.createTask(id);
      // Canceled, or past the deadline, while the directory was made: the body never begins.
      if (slot.canceled !== undefined || this.#supply.expired) return this.#unstarted(slot);
      slot.child = child;
      return await child.run(new ChildRun(job, events, this.#options.log), directory.path);
    } finally {
      if (this.#isUsedUp(child)) void child.end({ kind: 'retired' });
      this.#free.offer(child);
      if (directory) await this.#premises.removeTask(id, directory);
    }
  }

  #isUsedUp(child: PreforkChild): boolean {
    const { recycleAfterTasks } = this.#options;
    return recycleAfterTasks > 0 && child.tasksRun >= recycleAfterTasks;
  }

  #unstarted({ canceled, giveUp }: Slot): Outcome {
    return outcomeOfWait({ canceled, stopped: this.#stopped !== undefined, late: giveUp?.signal.aborted === true });
  }
}
