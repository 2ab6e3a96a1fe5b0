import { finished } from 'node:stream/promises';

import type { Outcome } from '../../core/outcome.js';
import type { Exit } from '../../core/task.js';
import { statOf, type ProcessStat } from '../../process/identity.js';
import type { Log } from '../../process/log.js';
import type { Runtime } from '../../process/runtime.js';
import { TaskModuleError } from '../../tasks/load-modules.js';
import type { Job, JobEvents } from '../pool.js';
import { monotonicMs } from './budget.js';
import { Channel } from './channel.js';
import { ChildRun, factsOf } from './child-run.js';
import type { ChildrenLedger } from './children-ledger.js';
import { outcomeOfDeath, type Cause } from './death.js';
import { deferred, type Deferred } from './deferred.js';
import type { FromChild } from './from-child.js';
import { Output } from './output.js';
import { endRemains, mayHaveStarted, remainsOf, signal, type ChildIdentity } from './remains.js';
import { spawnChild, type SpawnedChild } from './spawn-child.js';

export interface ChildOptions {
  workerName: string;
  /** Absolute. */
  directory: string;
  taskModules: readonly string[];
  moduleBase: string;
  childEnvironment: readonly string[];
  /** From the AbortSignal to SIGTERM, and from there to SIGKILL. */
  graceMs: number;
  killMs: number;
  memoryMiB: number;
  resultLimitBytes: number;
  ledger: ChildrenLedger;
  log: Log;
  runtime: Runtime;
}

type OutcomeMessage = Extract<FromChild, { kind: 'outcome' }>;

/** Loading task modules may take this long. */
const START_DEADLINE_MS = 60_000;
/** The pipes of a dead child are read to their end, but no longer than this. */
const DRAIN_MS = 1_000;

/** The supervisor's view of one child process: it runs one task at a time. `gone` never resolves early. */
export class ChildHandle {
  readonly identity: ChildIdentity;
  /** False from the moment that its process has exited. */
  alive = true;
  /** Whether it has been ready. */
  loaded = false;
  tasksRun = 0;
  /** Why it was ended, once somebody meant it to end. */
  cause: Cause | undefined;

  readonly #options: ChildOptions;
  readonly #child: SpawnedChild;
  readonly #channel: Channel;
  readonly #stderr: Output;
  readonly #ready = deferred<string[]>();
  readonly #gone = deferred<Exit>();
  readonly #starting = new AbortController();
  #deadlineMs: number | undefined;
  #run: ChildRun | undefined;
  /** It, and what its modules started when they were loaded: no task left those behind. */
  #household: ReadonlyMap<number, number> = new Map();
  /** As it was when it was ready. */
  #idle: ProcessStat | undefined;
  #lastLog: Log;
  #outcome: Deferred<OutcomeMessage | undefined> = deferred();
  #runEnded = new AbortController();

  /** Starts a process. Its ledger entry is written before it is told to load anything. Throws when either fails. */
  constructor(options: ChildOptions, deadlineMs: number | undefined) {
    this.#options = options;
    this.#child = spawnChild({ ...options, environment: options.childEnvironment });
    this.identity = this.#child.identity;
    this.#lastLog = options.log.child({ child: this.identity.pid });
    this.#stderr = new Output(this.#child.stderr, line => this.#lastLog.info(line, { stream: 'stderr' }));
    new Output(this.#child.stdout, line => this.#lastLog.info(line, { stream: 'stdout' }));
    this.#channel = new Channel(this.#child.messages, {
      limitBytes: options.resultLimitBytes,
      onMessage: message => this.#hear(message),
      onBreach: what => void this.end({ kind: 'breach', what }),
    });
    this.#child.lifeline.on('data', (letter: Buffer) => this.#hearLastWord(letter.toString('latin1', 0, 1)));
    this.#child.process.once('exit', (code, signal) => void this.#bury({ code, signal }));
    this.#ready.promise.catch(() => undefined); // whoever started it looks; nobody may
    this.#load(deadlineMs);
  }

  /** The types that it has loaded. Rejects with TaskModuleError for a bad module, with Error when it dies before it is ready. */
  get ready(): Promise<string[]> {
    return this.#ready.promise;
  }

  /** Resolves, with how it exited, when nothing of the child and its descendants is left. Never rejects. */
  get gone(): Promise<Exit> {
    return this.#gone.promise;
  }

  get task(): string | null {
    return this.#run?.job.task.id ?? null;
  }

  /** Resolves when nothing of this start is running any more. Never rejects. */
  async run(job: Job, events: JobEvents, directory: string): Promise<Outcome> {
    const run = new ChildRun(job, events, this.#options.log, message => this.#channel.send(message));
    this.#begin(run);
    this.#channel.send({
      kind: 'run',
      task: factsOf(job, this.#options.workerName),
      directory,
      deadlineMs: this.#deadlineMs ?? null,
    });
    const said = this.alive ? await this.#outcome.promise : undefined;
    this.#runEnded.abort();
    if (said && this.#mustEnd(run, said.leftovers)) await this.end({ kind: 'retired' });
    const outcome = said
      ? run.outcomeOf(said.outcome)
      : outcomeOfDeath(this.cause, run.canceled, await this.gone, this.#stderr.tail);
    this.#run = undefined;
    return run.end(outcome);
  }

  /** AbortSignal, grace, SIGTERM, grace, SIGKILL of the group. The first reason holds. */
  cancel(reason: 'user' | 'worker-shutdown'): void {
    const run = this.#run;
    if (!run || run.canceled !== undefined) return;
    run.canceled = reason;
    this.#channel.send({ kind: 'cancel', reason });
    void this.#escalate(this.#runEnded.signal);
  }

  /** CLOCK_MONOTONIC milliseconds. A child that does not read (it is frozen) wakes up to an old deadline and dies by it. */
  extendDeadline(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs;
    const { lifeline } = this.#child;
    if (!lifeline.writable || lifeline.writableLength > 1_024) return;
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(deadlineMs);
    lifeline.write(bytes);
  }

  /** Kills its group now; resolves when all of it is gone. The first cause holds. */
  end(cause: Cause): Promise<Exit> {
    this.cause ??= cause;
    if (this.alive) signal(-this.identity.pid, 'SIGKILL');
    return this.gone;
  }

  #load(deadlineMs: number | undefined): void {
    const { ledger, taskModules: modules, moduleBase: base, resultLimitBytes } = this.#options;
    try {
      ledger.record(this.identity);
    } catch (error) {
      void this.end({ kind: 'retired' });
      throw error;
    }
    if (deadlineMs !== undefined) this.extendDeadline(deadlineMs);
    this.#channel.send({ kind: 'load', modules, base, resultLimitBytes });
    void this.#watchStart();
  }

  async #watchStart(): Promise<void> {
    await this.#options.runtime.timers.sleep(START_DEADLINE_MS, this.#starting.signal);
    if (this.#starting.signal.aborted) return;
    this.#ready.reject(new Error(`A child process was not ready within ${START_DEADLINE_MS / 1_000} s.`));
    await this.end({ kind: 'retired' });
  }

  #begin(run: ChildRun): void {
    this.#run = run;
    this.#lastLog = run.log;
    this.#outcome = deferred();
    this.#runEnded = new AbortController();
    this.#stderr.forget();
    this.tasksRun += 1;
  }

  #hear(message: FromChild): void {
    if (message.kind === 'ready') {
      this.#moveIn(message.types);
    } else if (message.kind === 'unloadable') {
      this.#ready.reject(new TaskModuleError(message.message));
      void this.end({ kind: 'retired' });
    } else if (message.kind === 'outcome') {
      if (message.task === this.task) this.#outcome.resolve(message);
    } else {
      const breach = this.#run?.hear(message);
      if (breach !== undefined) void this.end({ kind: 'breach', what: breach });
    }
  }

  #moveIn(types: string[]): void {
    this.#starting.abort();
    this.loaded = true;
    try {
      this.#idle = statOf(this.identity.pid);
      this.#household = new Map(remainsOf(this.identity).map(stat => [stat.pid, stat.startTicks]));
    } catch {
      this.#idle = undefined; // /proc cannot be read: everything that runs later counts as left by a task
    }
    this.#ready.resolve(types);
  }

  #hearLastWord(letter: string): void {
    if (letter === 'D') this.cause ??= { kind: 'worker-lost' };
    if (letter === 'M') this.cause ??= { kind: 'memory', limitMiB: this.#options.memoryMiB };
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

  async #bury(exit: Exit): Promise<void> {
    this.alive = false;
    this.#starting.abort();
    const { runtime, ledger, log } = this.#options;
    await endRemains(this.identity, { justDied: true, timers: runtime.timers, log });
    await this.#drain();
    // It may have had no time for its last word.
    if (exit.signal === 'SIGKILL' && this.#deadlineMs !== undefined && monotonicMs() >= this.#deadlineMs) this.#hearLastWord('D');
    this.#channel.close();
    this.#child.lifeline.destroy();
    this.#ready.reject(
      new Error(
        `A child process died before it was ready (${exit.signal ?? `status ${exit.code ?? '?'}`}). ${this.#stderr.tail}`,
      ),
    );
    try {
      ledger.forget(this.identity);
    } catch (error) {
      log.warn('The ledger entry of a child could not be removed.', { child: this.identity.pid, error });
    }
    this.#outcome.resolve(undefined);
    this.#gone.resolve(exit);
  }

  /** What it said before it died is heard first. */
  async #drain(): Promise<void> {
    const { stdout, stderr, messages, lifeline } = this.#child;
    const read = [stdout, stderr, messages, lifeline].map(stream => finished(stream, { writable: false }).catch(() => undefined));
    const enough = new AbortController();
    await Promise.race([Promise.all(read), this.#options.runtime.timers.sleep(DRAIN_MS, enough.signal)]);
    enough.abort();
  }
}
