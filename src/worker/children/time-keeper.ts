import type { Task, TaskError, TimeLimits } from '../../core/task.js';
import type { Runtime } from '../../process/runtime.js';

/** A start whose time is kept. */
export interface Timed {
  readonly job: { readonly task: Pick<Task, 'timeLimits'> };
  /** Of its last report, on the monotonic clock. */
  reportedAtMs: number;
  /** It waits for other tasks. */
  awaits: boolean;
}

/** What is done about a start that takes too long. */
export interface Overtime {
  /** Its body is asked to end; it may still complete. */
  ask: (limitMs: number) => void;
  /** It has failed for this reason, and must end now. */
  end: (error: TaskError) => void;
}

interface Kept {
  limits: TimeLimits;
  sinceMs: number;
  asked: boolean;
  overtime: Overtime;
}

/** A longer sleep is no use: timers of Node end at 24 days. */
const MAX_NAP_MS = 3_600_000;

/** The time limits of all starts of a pool: one timer, for whichever ends first. */
export class TimeKeeper {
  readonly #runtime: Runtime;
  readonly #defaultMs: number;
  readonly #kept = new Map<Timed, Kept>();
  #wakeAtMs = Infinity;
  #nap = new AbortController();
  #watching = false;

  /** `defaultMs`: the hard limit of starts that have none of their own; 0: none. */
  constructor(runtime: Runtime, defaultMs: number) {
    this.#runtime = runtime;
    this.#defaultMs = defaultMs;
  }

  /** From now on, when its child has it, until `forget`. */
  watch(run: Timed, overtime: Overtime): void {
    const limits = this.#limitsOf(run);
    if (Object.keys(limits).length === 0) return;
    const kept = { limits, sinceMs: this.#runtime.clock.monotonicMs(), asked: false, overtime };
    this.#kept.set(run, kept);
    if (!this.#watching) void this.#watch();
    else if (nextOf(run, kept) < this.#wakeAtMs) this.#nap.abort();
  }

  /** It waits for other tasks, or goes on: only then it is expected to report again, from now. */
  setAwaiting(run: Timed, awaits: boolean): void {
    run.awaits = awaits;
    if (!awaits) run.reportedAtMs = this.#runtime.clock.monotonicMs();
    if (this.#watching) this.#nap.abort();
  }

  /** Its timer may go off in vain; one for each start would cost more. */
  forget(run: Timed): void {
    this.#kept.delete(run);
  }

  stop(): void {
    this.#kept.clear();
    this.#nap.abort();
  }

  #limitsOf({ job }: Timed): TimeLimits {
    const { timeLimits = {} } = job.task;
    return timeLimits.hardMs === undefined && this.#defaultMs > 0 ? { ...timeLimits, hardMs: this.#defaultMs } : timeLimits;
  }

  /** As long as there is anything to watch. */
  async #watch(): Promise<void> {
    const { clock, timers } = this.#runtime;
    this.#watching = true;
    while (this.#kept.size > 0) {
      this.#nap = new AbortController();
      const nowMs = clock.monotonicMs();
      for (const [run, kept] of [...this.#kept]) this.#look(run, kept, nowMs);
      this.#wakeAtMs = Math.min(nowMs + MAX_NAP_MS, ...[...this.#kept].map(([run, kept]) => nextOf(run, kept)));
      if (this.#kept.size > 0) await timers.sleep(this.#wakeAtMs - nowMs, this.#nap.signal);
    }
    this.#watching = false;
  }

  #look(run: Timed, kept: Kept, nowMs: number): void {
    const { limits, sinceMs, overtime } = kept;
    if (nowMs >= hardAt(kept)) return this.#end(run, overtime, overtimeError(limits.hardMs ?? 0));
    if (nowMs >= stallAt(run, kept)) return this.#end(run, overtime, stallError(limits.stallMs ?? 0));
    if (kept.asked || nowMs < sinceMs + (limits.softMs ?? Infinity)) return;
    kept.asked = true;
    overtime.ask(limits.softMs ?? 0);
  }

  #end(run: Timed, overtime: Overtime, error: TaskError): void {
    this.#kept.delete(run);
    overtime.end(error);
  }
}

function nextOf(run: Timed, kept: Kept): number {
  const softAtMs = kept.asked ? Infinity : kept.sinceMs + (kept.limits.softMs ?? Infinity);
  return Math.min(softAtMs, hardAt(kept), stallAt(run, kept));
}

function hardAt({ limits, sinceMs }: Kept): number {
  return sinceMs + (limits.hardMs ?? Infinity);
}

function stallAt(run: Timed, { limits, sinceMs }: Kept): number {
  if (run.awaits) return Infinity;
  return Math.max(sinceMs, run.reportedAtMs) + (limits.stallMs ?? Infinity);
}

function overtimeError(limitMs: number): TaskError {
  return { code: 'TIME_LIMIT', message: `The task had run for longer than its limit of ${limitMs / 1_000} s, and was ended.` };
}

function stallError(limitMs: number): TaskError {
  return { code: 'STALLED', message: `The task had reported no progress for ${limitMs / 1_000} s, and was ended.` };
}
