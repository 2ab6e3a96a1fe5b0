import type { Log } from '../../process/log.js';
import { monotonicMs } from '../children/budget.js';
import { ChildHandle, type ChildOptions } from '../children/child-handle.js';
import { outcomeOfDeath, type Death } from '../children/death.js';
import type { FromChild } from '../children/from-child.js';
import type { AsyncRun } from './async-run.js';
import type { RunOutcome } from '../pool.js';

type Fault = Extract<FromChild, { kind: 'fault' }>;

export interface AsyncChildOptions extends ChildOptions {
  /** A child that stands still for so long is `silent`. */
  silentMs: number;
}

export interface AsyncChildEvents {
  /** Nothing of this start is running any more. */
  ended: (run: AsyncRun, outcome: RunOutcome) => void;
  /** A body failed where nobody could catch it; undefined: one that has ended. */
  faulted: (run: AsyncRun | undefined, how: Fault['how']) => void;
  /** It uses as much memory as it should. */
  grown: () => void;
  /** It has not been heard of for so long that nobody should be given to it. */
  silent: () => void;
  directoryOf: (run: AsyncRun) => Promise<string>;
}

const PROGRAM = new URL('./child/child', import.meta.url);
/** At least so many deadlines in a row must have been given and not read, or read by a watchdog whose event loop stands still. */
const SILENT_BEATS = 4;

/** A child process that runs many tasks at a time. */
export class AsyncChild extends ChildHandle {
  /** It uses more memory than it should. */
  grown = false;
  readonly #runs = new Map<number, AsyncRun>();
  readonly #events: AsyncChildEvents;
  readonly #log: Log;
  readonly #silentMs: number;
  /** Whose fault its death is, where that is known; null: of a body that had ended. */
  #culprit: AsyncRun | null | undefined;
  /** Its event loop stands still. */
  #blocked = false;
  #unanswered = false;
  #silent: { beats: number; sinceMs: number } | undefined;

  constructor(options: AsyncChildOptions, eventsOf: (child: AsyncChild) => AsyncChildEvents) {
    super(PROGRAM, options);
    this.#silentMs = options.silentMs;
    this.#log = options.log.child({ child: this.identity.pid });
    this.#events = eventsOf(this);
  }

  override get tasks(): string[] {
    return [...this.#runs.values()].map(run => run.job.task.id);
  }

  get runs(): ReadonlyMap<number, AsyncRun> {
    return this.#runs;
  }

  /** Whether a start that is given to it will be read. */
  get open(): boolean {
    return this.alive && this.cause === undefined && !this.retired;
  }

  get isSilent(): boolean {
    if (this.#silent === undefined || this.#silent.beats < SILENT_BEATS) return false;
    return monotonicMs() - this.#silent.sinceMs >= this.#silentMs;
  }

  begin(run: AsyncRun): void {
    this.tasksRun += 1;
    this.#runs.set(run.number, run);
    this.send({ kind: 'run', run: run.number, task: run.facts, deadlineMs: this.deadlineMs });
  }

  cancel(run: AsyncRun, reason: string): void {
    this.send({ kind: 'cancel', run: run.number, reason });
  }

  directoryOf(run: AsyncRun): Promise<string> {
    return this.#events.directoryOf(run);
  }

  /** Also the occasion to notice that it does not answer: counted in heartbeats, so that a supervisor that was stopped itself does not misjudge it. */
  override extendDeadline(deadlineMs: number): void {
    super.extendDeadline(deadlineMs);
    if (!this.loaded || !this.alive) return;
    if (this.#unanswered || this.#blocked) (this.#silent ??= { beats: 0, sinceMs: monotonicMs() }).beats += 1;
    this.#unanswered = true;
    if (this.isSilent) this.#events.silent();
  }

  protected override get lineLog(): Log {
    return this.#log;
  }

  protected override hear(message: Exclude<FromChild, { kind: 'ready' | 'unloadable' }>): void {
    const run = this.#runs.get(message.run);
    if (message.kind === 'fault') return this.#hearFault(message, run);
    if (!run) return this.breach('it speaks of a start that it does not run');
    if (message.kind === 'outcome') {
      this.#runs.delete(run.number);
      return this.#events.ended(run, run.outcomeOf(message.outcome));
    }
    const breach = run.hear(message, { send: reply => this.send(reply), directoryOf: () => this.directoryOf(run) });
    if (breach === undefined) return;
    this.#culprit = run;
    this.breach(breach);
  }

  protected override hearWord(word: string): void {
    super.hearWord(word);
    const number = Number(word.slice(1));
    if (word === 'A') this.#unanswered = false;
    if (word === 'B') this.#hearBlocked();
    if (word.startsWith('T')) this.#hearTurning(number);
    if (word.startsWith('X')) this.#culprit = this.#runs.get(number) ?? null;
    if (word === 'S') this.#hearGrown();
    if (!this.#unanswered && !this.#blocked) this.#silent = undefined;
  }

  protected override buried(death: Death): void {
    const runs = [...this.#runs.values()];
    this.#runs.clear();
    // One that was retired was ended by us, and whose fault that was is known already.
    const alone = runs.length === 1 && death.cause?.kind !== 'retired';
    for (const run of runs) {
      const { canceled, fault, overtime } = run;
      const suspect = this.#culprit === undefined ? alone : run === this.#culprit;
      const tail = [run.tail, death.tail].filter(Boolean).join('\n');
      this.#events.ended(run, outcomeOfDeath({ ...death, tail }, { canceled, fault, overtime, suspect }));
    }
  }

  #hearFault({ how, error }: Fault, run: AsyncRun | undefined): void {
    if (run) run.fault ??= error;
    else this.#log.warn(`Something failed that a task had left behind: ${error.message}`, { stack: error.traceback });
    this.#events.faulted(run, how);
  }

  #hearBlocked(): void {
    this.#blocked = true;
    const types = [...new Set([...this.#runs.values()].map(run => run.job.task.name))];
    this.#log.warn(`A task has kept its process busy for a second; the ${this.#runs.size} tasks in it stand still.`, {
      types: types.slice(0, 10),
    });
  }

  #hearGrown(): void {
    this.grown = true;
    this.#events.grown();
  }

  #hearTurning(ms: number): void {
    this.#blocked = false;
    this.#log.warn(`The tasks in this process go on after ${ms / 1_000} s.`);
  }
}
