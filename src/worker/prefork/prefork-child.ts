import { statOf, type ProcessStat } from '../../process/identity.js';
import type { Log } from '../../process/log.js';
import { ChildHandle, type ChildOptions } from '../children/child-handle.js';
import type { ChildRun } from '../children/child-run.js';
import { outcomeOfDeath } from '../children/death.js';
import { deferred, type Deferred } from '../children/deferred.js';
import type { Ended, FromChild } from '../children/from-child.js';
import { mayHaveStarted, remainsOf, signal } from '../children/remains.js';
import type { Overtime, TimeKeeper } from '../children/time-keeper.js';
import type { RunOutcome } from '../pool.js';

export interface PreforkChildOptions extends ChildOptions {
  /** From the AbortSignal to SIGTERM, and from there to SIGKILL. */
  graceMs: number;
  killMs: number;
  timeKeeper: TimeKeeper;
}

const PROGRAM = new URL('./child/child', import.meta.url);

/** A child process that runs one task at a time. */
export class PreforkChild extends ChildHandle {
  readonly #options: PreforkChildOptions;
  #run: ChildRun | undefined;
  #directory = '';
  /** It, and what its modules started when they were loaded: no task left those behind. */
  #household: ReadonlyMap<number, number> = new Map();
  /** As it was when it was ready. */
  #idle: ProcessStat | undefined;
  #lastLog: Log;
  #ended: Deferred<Ended | undefined> = deferred();
  /** Aborts with the end of the run; there only once it was asked to end. */
  #graces: AbortController | undefined;

  constructor(options: PreforkChildOptions) {
    super(PROGRAM, options);
    this.#options = options;
    this.#lastLog = options.log.child({ child: this.identity.pid });
  }

  override get tasks(): string[] {
    return this.#run ? [this.#run.job.task.id] : [];
  }

  /** Resolves when nothing of this start is running any more. Never rejects. */
  async run(run: ChildRun, directory: string): Promise<RunOutcome> {
    this.#begin(run, directory);
    this.send({ kind: 'run', run: run.number, task: run.facts, directory, deadlineMs: this.deadlineMs });
    this.#options.timeKeeper.watch(run, this.#overtimeOf(run));
    const said = this.alive ? await this.#ended.promise : undefined;
    this.#options.timeKeeper.forget(run);
    this.#graces?.abort();
    if (said && this.#mustEnd(run, said.leftovers ?? [])) await this.end({ kind: 'retired' });
    const outcome = said ? run.outcomeOf(said.outcome) : await this.#outcomeOfDeath(run);
    this.#run = undefined;
    return run.end(outcome);
  }

  /** AbortSignal, grace, SIGTERM, grace, SIGKILL of the group. The first reason holds. */
  cancel(reason: 'user' | 'worker-shutdown'): void {
    const run = this.#run;
    if (!run || run.canceled !== undefined) return;
    run.canceled = reason;
    this.send({ kind: 'cancel', run: run.number, reason });
    this.#graces = new AbortController();
    void this.#escalate(this.#graces.signal);
  }

  setAwaiting(awaits: boolean): void {
    if (this.#run) this.#options.timeKeeper.setAwaiting(this.#run, awaits);
  }

  directoryOf(): Promise<string> {
    return Promise.resolve(this.#directory);
  }

  protected override get lineLog(): Log {
    return this.#lastLog;
  }

  protected override movedIn(): void {
    super.movedIn();
    try {
      this.#idle = statOf(this.identity.pid);
      this.#household = new Map(remainsOf(this.identity).map(stat => [stat.pid, stat.startTicks]));
    } catch {
      this.#idle = undefined; // /proc cannot be read: everything that runs later counts as left by a task
    }
  }

  protected override hear(message: Exclude<FromChild, { kind: 'ready' | 'unloadable' }>): void {
    const run = this.#run;
    if (message.run !== run?.number || message.kind === 'fault') return this.breach('it speaks of a start that it does not run');
    if (message.kind === 'outcome') return this.#ended.resolve(message);
    const breach = run.hear(message, this);
    if (breach !== undefined) this.breach(breach);
  }

  protected override buried(): void {
    this.#ended.resolve(undefined);
  }

  async #outcomeOfDeath({ canceled, fault, overtime }: ChildRun): Promise<RunOutcome> {
    return outcomeOfDeath(await this.gone, { canceled, fault, overtime, suspect: true });
  }

  #begin(run: ChildRun, directory: string): void {
    this.#run = run;
    this.#directory = directory;
    this.#lastLog = run.log;
    this.#ended = deferred();
    this.#graces = undefined;
    this.forgetTail();
    this.tasksRun += 1;
  }

  #overtimeOf(run: ChildRun): Overtime {
    return {
      ask: limitMs => this.send({ kind: 'overtime', run: run.number, limitMs }),
      end: error => {
        run.overtime = error;
        void this.end({ kind: 'retired' });
      },
    };
  }

  /** After a task with resources nothing may be left that could still act on them; in doubt the child goes. */
  #mustEnd(run: ChildRun, leftovers: readonly string[]): boolean {
    if (leftovers.length > 0) run.log.debug('The child is replaced: the task left something running in it.', { leftovers });
    return leftovers.length > 0 || (run.needsResources && this.#hasDescendants());
  }

  #hasDescendants(): boolean {
    try {
      if (this.#idle && !mayHaveStarted(this.#idle)) return false;
      return remainsOf(this.identity).some(({ pid, startTicks }) => this.#household.get(pid) !== startTicks);
    } catch {
      return true; // /proc cannot be read: in doubt
    }
  }

  async #escalate(ended: AbortSignal): Promise<void> {
    const { graceMs, killMs, runtime } = this.#options;
    await runtime.timers.sleep(graceMs, ended);
    this.#signalUnless(ended, 'SIGTERM');
    await runtime.timers.sleep(killMs, ended);
    this.#signalUnless(ended, 'SIGKILL');
  }

  #signalUnless(ended: AbortSignal, name: 'SIGTERM' | 'SIGKILL'): void {
    if (!ended.aborted && this.alive) signal(-this.identity.pid, name);
  }
}
