import { finished } from 'node:stream/promises';

import type { Exit } from '../../core/task.js';
import type { Log } from '../../process/log.js';
import type { Runtime } from '../../process/runtime.js';
import { TaskModuleError } from '../../tasks/load-modules/load-modules.js';
import { monotonicMs } from './budget.js';
import { Channel } from './channel.js';
import type { ChildrenLedger } from './children-ledger.js';
import type { Cause, Death } from './death.js';
import { deferred } from './deferred.js';
import type { FromChild } from './from-child.js';
import type { ToChild } from './ipc.js';
import { Output } from './output.js';
import { endRemains, signal, type ChildIdentity } from './remains.js';
import { spawnChild, type SpawnedChild } from './spawn-child.js';

export interface ChildOptions {
  workerName: string;
  /** Absolute. */
  directory: string;
  /** Names of task modules, counted from `moduleBase`. */
  taskModules: readonly string[];
  moduleBase: string;
  childEnvironment: readonly string[];
  /** How many tasks it may run at a time, unless told otherwise (`allowTasks`). */
  tasksAtOnce: number;
  /** Resident memory at which it is killed. */
  memoryMiB: number;
  resultLimitBytes: number;
  ledger: ChildrenLedger;
  log: Log;
  runtime: Runtime;
}

/** Loading task modules may take this long. */
const START_DEADLINE_MS = 60_000;
/** The pipes of a dead child are read to their end, but no longer than this. */
const DRAIN_MS = 1_000;

/** The supervisor's view of one child process; what it runs is for the pools to say. `gone` never resolves early. */
export abstract class ChildHandle {
  readonly identity: ChildIdentity;
  /** False from the moment that its process has exited. */
  alive = true;
  /** Whether it has been ready. */
  loaded = false;
  tasksRun = 0;
  /** It is to get no more tasks. */
  retired = false;
  /** Why it was ended, once somebody meant it to end. */
  cause: Cause | undefined;

  readonly #options: ChildOptions;
  readonly #child: SpawnedChild;
  readonly #channel: Channel;
  readonly #stderr: Output;
  readonly #ready = deferred<string[]>();
  readonly #gone = deferred<Death>();
  readonly #starting = new AbortController();
  #deadlineMs: number | undefined;
  #words = '';

  /** Starts a process of `program` (without its extension). Throws when the system refuses. */
  constructor(program: URL, options: ChildOptions) {
    this.#options = options;
    this.#child = spawnChild(program, { ...options, environment: options.childEnvironment });
    this.identity = this.#child.identity;
    this.#stderr = new Output(this.#child.stderr, line => this.lineLog.info(line, { stream: 'stderr' }));
    new Output(this.#child.stdout, line => this.lineLog.info(line, { stream: 'stdout' }));
    this.#channel = new Channel(this.#child.messages, {
      limitBytes: options.resultLimitBytes,
      tasksAtOnce: options.tasksAtOnce,
      onMessage: message => this.#hear(message),
      onBreach: what => this.breach(what),
    });
    this.#child.lifeline.on('data', (chunk: Buffer) => this.#read(chunk.toString('latin1')));
    this.#child.process.once('exit', (code, signal) => void this.#bury({ code, signal }));
    this.#ready.promise.catch(() => undefined); // whoever started it looks; nobody may
  }

  /** Its ledger entry is written before it is told to load anything. Throws, and ends it, when that cannot be written. */
  load(deadlineMs: number | undefined): void {
    const { ledger, taskModules: modules, moduleBase: base, resultLimitBytes } = this.#options;
    try {
      ledger.record(this.identity);
    } catch (error) {
      void this.end({ kind: 'retired' });
      throw error;
    }
    if (deadlineMs !== undefined) this.extendDeadline(deadlineMs);
    this.send({ kind: 'load', modules, base, resultLimitBytes });
    void this.#watchStart();
  }

  /** Of the tasks that it runs now. */
  abstract get tasks(): string[];

  /** Where lines go that are printed and are nobody's. */
  protected abstract get lineLog(): Log;

  protected abstract hear(message: Exclude<FromChild, { kind: 'ready' | 'unloadable' }>): void;

  /** Once, when it can say no more and nothing of it is left. */
  protected abstract buried(death: Death): void;

  /** It is ready for its first task. */
  protected movedIn(): void {
    this.loaded = true;
  }

  /** The types that it has loaded. Rejects with TaskModuleError for a bad module, with Error when it dies before it is ready. */
  get ready(): Promise<string[]> {
    return this.#ready.promise;
  }

  /** Resolves when nothing of the child and its descendants is left. Never rejects. */
  get gone(): Promise<Death> {
    return this.#gone.promise;
  }

  /** CLOCK_MONOTONIC milliseconds; null: none was given yet. */
  get deadlineMs(): number | null {
    return this.#deadlineMs ?? null;
  }

  send(message: ToChild): void {
    this.#channel.send(message);
  }

  /** It may run so many at a time from now on. What runs in it beyond that goes on. */
  allowTasks(atOnce: number): void {
    this.#channel.allowTasks(atOnce);
  }

  /** A child that does not read (it is frozen) wakes up to an old deadline and dies by it. */
  extendDeadline(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs;
    const { lifeline } = this.#child;
    if (!lifeline.writable || lifeline.writableLength > 1_024) return;
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(deadlineMs);
    lifeline.write(bytes);
  }

  /** Kills its group now; resolves when all of it is gone. The first cause holds. */
  end(cause: Cause): Promise<Death> {
    this.cause ??= cause;
    if (this.alive) signal(-this.identity.pid, 'SIGKILL');
    return this.gone;
  }

  /** What is printed from now on is the tail of somebody else. */
  protected forgetTail(): void {
    this.#stderr.forget();
  }

  protected breach(what: string): void {
    void this.end({ kind: 'breach', what });
  }

  /** What its watchdog says of it: a letter, and perhaps a number (`child/watchdog.ts`). */
  protected hearWord(word: string): void {
    if (word === 'D') this.cause ??= { kind: 'worker-lost' };
    if (word === 'M') this.cause ??= { kind: 'memory', limitMiB: this.#options.memoryMiB };
  }

  async #watchStart(): Promise<void> {
    await this.#options.runtime.timers.sleep(START_DEADLINE_MS, this.#starting.signal);
    if (this.#starting.signal.aborted) return;
    this.#ready.reject(new Error(`A child process was not ready within ${START_DEADLINE_MS / 1_000} s.`));
    await this.end({ kind: 'retired' });
  }

  #hear(message: FromChild): void {
    if (message.kind === 'ready') {
      if (this.loaded) return this.breach('it is ready twice');
      this.#starting.abort();
      this.movedIn();
      this.#ready.resolve(message.types);
    } else if (message.kind === 'unloadable') {
      this.#ready.reject(new TaskModuleError(message.message));
      void this.end({ kind: 'retired' });
    } else {
      this.hear(message);
    }
  }

  /** Lines; task code could write there, too, so that no more than one is kept. */
  #read(text: string): void {
    const lines = (this.#words + text).split('\n');
    this.#words = (lines.pop() ?? '').slice(0, 32);
    for (const line of lines) this.hearWord(line);
  }

  async #bury(exit: Exit): Promise<void> {
    this.alive = false;
    this.#starting.abort();
    const { runtime, ledger, log } = this.#options;
    await endRemains(this.identity, { justDied: true, timers: runtime.timers, log });
    await this.#drain();
    // It may have had no time for its last word.
    const late = this.#deadlineMs !== undefined && monotonicMs() >= this.#deadlineMs;
    if (exit.signal === 'SIGKILL' && late) this.cause ??= { kind: 'worker-lost' };
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
    const death = { cause: this.cause, exit, tail: this.#stderr.tail, idle: this.tasks.length === 0 };
    this.buried(death);
    this.#gone.resolve(death);
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
