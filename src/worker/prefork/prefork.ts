import { availableParallelism } from 'node:os';

import type { EndReason } from '../../core/task.js';
import { errorOf } from '../../tasks/body.js';
import { ChildRun } from '../children/child-run.js';
import type { TaskDirectory } from '../children/directory.js';
import { CHILD_WAIT_MS, type PoolOptions } from '../children/pool-options.js';
import { hasGrownAbove } from '../children/memory.js';
import { Premises } from '../children/premises.js';
import { Supply } from '../children/supply.js';
import { TimeKeeper } from '../children/time-keeper.js';
import { outcomeOfWait } from '../children/unstarted.js';
import type { Job, JobEvents, Pool, PoolStats, RunOutcome } from '../pool.js';
import { Awaiting } from './awaiting.js';
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
  awaits?: boolean;
  canceled?: EndReason;
  /** Ends the wait for a child, where there is one. */
  giveUp?: AbortController;
}

class PreforkPool implements Pool {
  readonly kind = 'prefork';
  readonly #options: PoolOptions;
  readonly #premises: Premises;
  readonly #supply: Supply<PreforkChild>;
  readonly #free = new FreeChildren();
  readonly #timeKeeper: TimeKeeper;
  readonly #running = new Map<string, Slot>();
  readonly #awaiting: Awaiting;
  #slots: number;
  #stopped: Promise<void> | undefined;

  constructor(options: PoolOptions) {
    const { slots, workerDirectory: directory, timeLimitMs, log, runtime } = options;
    this.#slots = slots;
    this.#options = options;
    this.#premises = new Premises(directory, log);
    const { ledger } = this.#premises;
    this.#awaiting = new Awaiting(runtime.timers, () => this.#fit());
    const timeKeeper = (this.#timeKeeper = new TimeKeeper(runtime, timeLimitMs));
    this.#supply = new Supply({
      // After a shrink a run may still be waiting for a child, while the others go on for as long as they like.
      wanted: () => Math.max(this.#slots, this.#running.size - this.#awaiting.runs) + this.#awaiting.children,
      startsAtOnce: STARTS_AT_ONCE,
      create: () => new PreforkChild({ ...options, tasksAtOnce: 1, directory, ledger, timeKeeper }),
      onReady: child => {
        this.#free.offer(child);
        this.#endSurplus();
      },
      onGone: child => this.#free.remove(child),
      log,
      runtime,
    });
  }

  get types(): readonly string[] {
    return this.#supply.types;
  }

  get slots(): number {
    return this.#slots;
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

  async run(job: Job, events: JobEvents): Promise<RunOutcome> {
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
      if (slot.awaits) this.#awaiting.end();
      this.#endSurplus();
    }
  }

  cancel(taskId: string, reason: 'user' | 'worker-shutdown'): void {
    const slot = this.#running.get(taskId);
    if (!slot || slot.canceled !== undefined) return;
    slot.canceled = reason;
    slot.giveUp?.abort();
    slot.child?.cancel(reason);
  }

  setAwaiting(taskId: string, awaits: boolean): void {
    const slot = this.#running.get(taskId);
    if (!slot || (slot.awaits ?? false) === awaits) return;
    slot.awaits = awaits;
    slot.child?.setAwaiting(awaits);
    if (awaits) this.#awaiting.begin();
    else this.#awaiting.end();
  }

  resize(slots: number): void {
    this.#slots = slots;
    this.#fit();
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
    const { shown: children, types, tasksRun } = this.#supply;
    const { runs: awaiting } = this.#awaiting;
    return { slots: this.#slots, busy: this.#running.size - awaiting, awaiting, children, types, tasksRun };
  }

  async #shutDown(): Promise<void> {
    const ended = this.#supply.stop();
    this.#awaiting.stop();
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

  async #runOn(child: PreforkChild, slot: Slot, job: Job, events: JobEvents): Promise<RunOutcome> {
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

  #fit(): void {
    this.#supply.fit();
    this.#endSurplus();
  }

  #endSurplus(): void {
    for (let surplus = this.#supply.surplus; surplus > 0; surplus -= 1) void this.#free.takeOldest()?.end({ kind: 'retired' });
  }

  #isUsedUp(child: PreforkChild): boolean {
    const { recycleAfterTasks, recycleAboveMiB } = this.#options;
    const byTasks = recycleAfterTasks > 0 && child.tasksRun >= recycleAfterTasks;
    return byTasks || (child.alive && hasGrownAbove(recycleAboveMiB, child.identity.pid));
  }

  #unstarted({ canceled, giveUp }: Slot): RunOutcome {
    return outcomeOfWait({ canceled, stopped: this.#stopped !== undefined, late: giveUp?.signal.aborted === true });
  }
}
