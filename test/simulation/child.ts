import type { Outcome } from '../../src/core/outcome.js';
import type { Bodies } from './bodies.js';
import type { SimulatedProcess } from './process.js';
import type { CallPlan } from './calls.js';
import type { TaskPlan } from './scenario.js';
import type { Scheduler } from './scheduler.js';

interface BodyPlan {
  task: string;
  attempt: number;
  fence: number | undefined;
  ms: number;
  ends: 'completes' | 'fails' | 'dies';
  /** What it waits for when its time is over. */
  calls: NonNullable<TaskPlan['calls']>;
}

interface Surroundings {
  scheduler: Scheduler;
  bodies: Bodies;
  /** The machine's monotonic clock, which it shares with its supervisor. */
  clock: Pick<SimulatedProcess, 'monotonicMs' | 'simulatedMs'>;
  deadlineMs: number;
  /** How long its watchdog takes to look this time. */
  tickMs: () => number;
  /** Takes the whole process along in which the body runs. */
  crash: () => void;
  /** Answered by `answered`, once. */
  call: (child: CallPlan) => void;
}

/** One body in a child process. The watchdog ends it at the deadline that its supervisor last gave it, whatever became of that one. */
export class Child {
  readonly body: BodyPlan;
  readonly #around: Surroundings;
  readonly #onEnd: (outcome: Outcome) => void;
  #state: 'starting' | 'running' | 'frozen' | 'dead' = 'starting';
  #deadlineMs: number;
  #leftMs: number;
  #endsAtMs = Infinity;
  #frozenUntilMs = -Infinity;
  readonly #calls: CallPlan[];
  #unanswered = 0;
  #refused = false;
  readonly #left = new AbortController();

  constructor(body: BodyPlan, around: Surroundings, onEnd: (outcome: Outcome) => void) {
    this.body = body;
    this.#around = around;
    this.#onEnd = onEnd;
    this.#deadlineMs = around.deadlineMs;
    this.#leftMs = body.ms;
    this.#calls = [...body.calls.children];
  }

  /** Aborts when nobody waits any more for what it has called. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** A child that it waits for has ended, well enough or not. */
  answered(well: boolean): void {
    if (!this.alive) return;
    this.#unanswered--;
    this.#refused ||= !well;
    if (this.#unanswered > 0 && !this.#refused) return;
    this.#leftMs = 0;
    if (this.#state === 'running') this.#go();
  }

  set deadlineMs(ms: number) {
    this.#deadlineMs = ms;
  }

  get alive(): boolean {
    return this.#state !== 'dead';
  }

  /** User code, unless the deadline has passed before it. */
  begin(): void {
    const { scheduler, bodies } = this.#around;
    if (this.#state !== 'starting') return;
    if (scheduler.nowMs < this.#frozenUntilMs) return scheduler.at(this.#frozenUntilMs, () => this.begin());
    if (this.#late()) return this.kill('worker-lost');
    bodies.begin(this.body);
    this.#watch();
    this.#go();
  }

  /** As SIGSTOP: nothing of it runs, its watchdog included. */
  freeze(ms: number): void {
    const { scheduler, bodies } = this.#around;
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, scheduler.nowMs + ms);
    if (this.#state === 'running') {
      this.#leftMs = Math.max(0, this.#endsAtMs - scheduler.nowMs);
      this.#endsAtMs = Infinity;
      this.#state = 'frozen';
      bodies.halt(this.body);
    }
    scheduler.at(this.#frozenUntilMs, () => this.#thaw());
  }

  cancel(reason: 'user' | 'worker-shutdown'): void {
    if (this.alive) this.#end({ kind: 'canceled', reason });
  }

  kill(reason: 'worker-lost'): void {
    if (this.alive) this.#end({ kind: 'canceled', reason });
  }

  /** With its process. */
  die(): void {
    if (this.alive) this.#end(outcomeOf({ ...this.body, ends: 'dies' }));
  }

  /** What a body does until its watchdog has looked is promised to nobody (P2). A new deadline may come before that. */
  #thaw(): void {
    const { scheduler, tickMs } = this.#around;
    scheduler.after(tickMs(), () => this.#goOn());
  }

  #goOn(): void {
    const { scheduler, bodies } = this.#around;
    if (this.#state !== 'frozen' || scheduler.nowMs < this.#frozenUntilMs) return;
    if (this.#late()) return this.kill('worker-lost');
    bodies.resume(this.body);
    this.#watch();
    this.#go();
  }

  #go(): void {
    const { scheduler } = this.#around;
    this.#state = 'running';
    const endsAtMs = scheduler.nowMs + this.#leftMs;
    this.#endsAtMs = endsAtMs;
    if (this.#leftMs === Infinity) return; // it waits for an answer
    scheduler.at(endsAtMs, () => {
      if (this.#state !== 'running' || this.#endsAtMs !== endsAtMs) return;
      if (this.#calls.length > 0 && !this.#refused) this.#call();
      else if (this.body.ends === 'dies') this.#around.crash();
      else this.#end(outcomeOf(this.#refused ? { ...this.body, ends: 'fails' } : this.body));
    });
  }

  #call(): void {
    this.#leftMs = this.#endsAtMs = Infinity;
    const now = this.#calls.splice(0, this.body.calls.together ? Infinity : 1);
    this.#unanswered = now.length;
    for (const child of now) this.#around.call(child);
  }

  #watch(): void {
    const { scheduler, clock, tickMs } = this.#around;
    if (!this.alive || this.#state === 'frozen') return;
    if (this.#late()) return this.kill('worker-lost');
    scheduler.after(clock.simulatedMs(Math.max(1, this.#deadlineMs - clock.monotonicMs())) + tickMs(), () => this.#watch());
  }

  #late(): boolean {
    return this.#around.clock.monotonicMs() >= this.#deadlineMs;
  }

  #end(outcome: Outcome): void {
    const began = this.#state !== 'starting';
    const wasFrozen = this.#state === 'frozen';
    this.#state = 'dead';
    this.#left.abort();
    if (began) this.#around.bodies.end(this.body, { byItself: outcome.kind !== 'canceled', halted: wasFrozen });
    this.#onEnd(outcome);
  }
}

function outcomeOf({ ends, attempt }: BodyPlan): Outcome {
  if (ends === 'completes') return { kind: 'completed', result: { start: attempt } };
  if (ends === 'fails') return { kind: 'failed', error: { code: 'HANDLER_FAILED', message: 'as planned' } };
  return { kind: 'failed', error: { code: 'CHILD_DIED', message: 'as planned' }, exit: { code: null, signal: 'SIGKILL' } };
}
