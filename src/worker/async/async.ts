import { setImmediate as turn } from 'node:timers/promises';

import type { PoolOptions } from '../children/pool-options.js';
import { hasGrownAbove } from '../children/memory.js';
import { Premises } from '../children/premises.js';
import { Supply } from '../children/supply.js';
import { TimeKeeper } from '../children/time-keeper.js';
import { outcomeOfWait } from '../children/unstarted.js';
import type { Job, JobEvents, Pool, PoolStats, RunOutcome } from '../pool.js';
import { AsyncChild, type AsyncChildEvents } from './async-child.js';
import { AsyncRun } from './async-run.js';
import { HARD_MEMORY } from './limits.js';
import { Retirement } from './retirement.js';
import { Waiting } from './waiting.js';

export interface AsyncPoolOptions extends PoolOptions {
  /** How long the other tasks of a child may go on that must be ended because of one of them. */
  retireMs: number;
  /** New tasks are not given to a child that stands still for so long. */
  silentMs: number;
}

/** A pool in which one child process runs all tasks, for code that waits more than it computes and that is trusted not to block. */
export function createAsyncPool(options: AsyncPoolOptions): Pool {
  return new AsyncPool(options);
}

class AsyncPool implements Pool {
  readonly kind = 'async';
  readonly #options: AsyncPoolOptions;
  readonly #premises: Premises;
  readonly #supply: Supply<AsyncChild>;
  readonly #retirement: Retirement;
  readonly #waiting: Waiting;
  readonly #timeKeeper: TimeKeeper;
  readonly #running = new Map<string, AsyncRun>();
  /** The child that takes new tasks. */
  #current: AsyncChild | undefined;
  #slots: number;
  /** Runs that wait for other tasks. */
  #awaiting = 0;
  #stopped: Promise<void> | undefined;

  constructor(options: AsyncPoolOptions) {
    const { slots, workerDirectory: directory, memoryMiB, retireMs, timeLimitMs, log, runtime } = options;
    this.#slots = slots;
    this.#options = options;
    this.#premises = new Premises(directory, log);
    const { ledger } = this.#premises;
    const childOptions = { ...options, memoryMiB: memoryMiB * HARD_MEMORY, directory, ledger };
    this.#supply = new Supply({
      wanted: () => 1,
      startsAtOnce: 1,
      create: () =>
        new AsyncChild({ ...childOptions, tasksAtOnce: this.#slots + this.#awaiting }, child => this.#eventsOf(child)),
      onReady: child => this.#moveTo(child),
      onGone: () => undefined, // its starts have ended with it
      log,
      runtime,
    });
    this.#retirement = new Retirement({ supply: this.#supply, retireMs, timers: runtime.timers, log });
    this.#timeKeeper = new TimeKeeper(runtime, timeLimitMs);
    this.#waiting = new Waiting(runtime, run => this.#endUnstarted(run, { late: true }));
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

  run(job: Job, events: JobEvents): Promise<RunOutcome> {
    const { log, runtime } = this.#options;
    return new Promise(resolve => {
      const run = new AsyncRun({ job, events, log, sinceMs: runtime.clock.monotonicMs(), resolve });
      this.#running.set(job.task.id, run);
      this.#place(run);
    });
  }

  cancel(taskId: string, reason: 'user' | 'worker-shutdown'): void {
    const run = this.#running.get(taskId);
    if (!run || run.canceled !== undefined || run.ended) return;
    run.canceled = reason;
    const child = [...this.#supply.children].find(each => each.runs.has(run.number));
    if (!child) return this.#endUnstarted(run);
    child.cancel(run, reason);
    void this.#awaitEnd(run, child);
  }

  setAwaiting(taskId: string, awaits: boolean): void {
    const run = this.#running.get(taskId);
    if (!run || run.ended || run.awaits === awaits) return;
    this.#timeKeeper.setAwaiting(run, awaits);
    this.#awaiting += awaits ? 1 : -1;
    if (awaits) this.#allowTasks();
  }

  resize(slots: number): void {
    this.#slots = slots;
    this.#allowTasks();
  }

  extendDeadline(deadlineMs: number): void {
    this.#supply.extendDeadline(deadlineMs);
  }

  async killAll(): Promise<void> {
    const ended = this.#supply.endAll({ kind: 'worker-lost' });
    for (const run of this.#waiting.takeAll()) this.#endUnstarted(run);
    await ended;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#shutDown();
    return this.#stopped;
  }

  stats(): PoolStats {
    const { shown: children, types, tasksRun } = this.#supply;
    const [slots, awaiting] = [this.#slots, this.#awaiting];
    return { slots, busy: this.#running.size - awaiting, awaiting, children, types, tasksRun };
  }

  async #shutDown(): Promise<void> {
    const ended = this.#supply.stop();
    for (const run of this.#waiting.takeAll()) this.#endUnstarted(run);
    await ended;
    this.#timeKeeper.stop();
    await this.#premises.close();
  }

  #allowTasks(): void {
    for (const child of this.#supply.children) child.allowTasks(this.#slots + this.#awaiting);
  }

  #place(run: AsyncRun): void {
    if (this.#supply.expired || this.#stopped) this.#endUnstarted(run);
    else if (this.#current?.open === true) this.#begin(run, this.#current);
    else this.#waiting.add(run);
  }

  #begin(run: AsyncRun, child: AsyncChild): void {
    child.begin(run);
    this.#timeKeeper.watch(run, {
      ask: limitMs => child.send({ kind: 'overtime', run: run.number, limitMs }),
      // Its process is not its own: it is asked first, and costs the others their process only if it does not heed that.
      end: error => {
        run.overtime = error;
        child.cancel(run, 'timeout');
        void this.#awaitEnd(run, child);
      },
    });
  }

  #moveTo(child: AsyncChild): void {
    const former = this.#current;
    this.#current = child;
    if (former) this.#retirement.begin(former);
    for (const run of this.#waiting.takeAll()) this.#place(run);
  }

  #eventsOf(child: AsyncChild): AsyncChildEvents {
    return {
      ended: (run, outcome) => {
        this.#end(run, outcome);
        this.#replaceUsedUp(child);
        this.#retirement.look(child);
      },
      faulted: (run, how) => {
        if (run) void this.#awaitEnd(run, child);
        if (how === 'exception') this.#retirement.hasten(child, 'exception');
      },
      grown: () => this.#replaceUsedUp(child),
      silent: () => this.#retirement.hasten(child, 'silent'),
      directoryOf: async run => {
        run.directory ??= this.#premises.createTask(run.job.task.id);
        return (await run.directory).path;
      },
    };
  }

  /** Its body was told to end. If it does not within the graces, its child must go. */
  async #awaitEnd(run: AsyncRun, child: AsyncChild): Promise<void> {
    if (run.graces) return;
    run.graces = new AbortController();
    const { graceMs, killMs, runtime } = this.#options;
    await runtime.timers.sleep(graceMs + killMs, run.graces.signal);
    await turn(); // its end may have come while nobody here had time to hear it
    if (run.graces.signal.aborted) return;
    run.overdue = true;
    this.#retirement.hasten(child, 'overdue');
    this.#retirement.look(child);
  }

  /** It goes on until its successor is ready; nobody waits for that. */
  #replaceUsedUp(child: AsyncChild): void {
    if (child !== this.#current || !child.open || !this.#retirement.hasRoom) return;
    const { recycleAfterTasks, recycleAboveMiB } = this.#options;
    const usedUp = child.grown || (recycleAfterTasks > 0 && child.tasksRun >= recycleAfterTasks * this.#slots);
    if (usedUp || hasGrownAbove(recycleAboveMiB, child.identity.pid)) this.#supply.replace(child);
  }

  #endUnstarted(run: AsyncRun, { late = false } = {}): void {
    this.#waiting.delete(run);
    const { canceled } = run;
    this.#end(run, outcomeOfWait({ canceled, stopped: this.#stopped !== undefined, late }));
  }

  /** Only a start that asked for a directory has something left to wait for. */
  #end(run: AsyncRun, outcome: RunOutcome): void {
    run.graces?.abort();
    if (run.awaits) this.#awaiting -= 1;
    run.awaits = false;
    this.#timeKeeper.forget(run);
    const ended = run.end(outcome);
    if (run.directory) void this.#endWithDirectory(run, ended);
    else this.#tell(run, ended);
  }

  async #endWithDirectory(run: AsyncRun, outcome: RunOutcome): Promise<void> {
    const directory = await run.directory?.catch(() => undefined); // its body was told why there is none
    if (directory) await this.#premises.removeTask(run.job.task.id, directory);
    this.#tell(run, outcome);
  }

  #tell(run: AsyncRun, outcome: RunOutcome): void {
    const { id } = run.job.task;
    // The same task may have been started here again while its former directory was being removed.
    if (this.#running.get(id) === run) this.#running.delete(id);
    run.resolve(outcome);
  }
}
