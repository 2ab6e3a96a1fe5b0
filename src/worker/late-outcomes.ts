import type { Outcome } from '../core/outcome.js';
import { shortId } from '../core/short-id.js';
import { supersededBy } from '../core/superseded.js';
import type { Superseded } from '../core/task.js';
import type { Log } from '../process/log.js';
import { jittered, type Runtime } from '../process/runtime.js';
import type { TaskStore } from '../store/store.js';

export interface LateOutcomesDeps {
  tasks: Pick<TaskStore, 'supersede'>;
  runtime: Runtime;
  log: Log;
}

interface Late {
  id: string;
  token: string;
  what: Omit<Superseded, 'at'>;
  untilMs: number;
}

/** With 4 KiB each at most. */
const MAX_WAITING = 200;
/** Whoever ended a start, or is to end it, has done so by then: its worker when it comes back, or a sweep. */
const PATIENCE_MS = 10 * 60_000;
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [1_000, 30_000];

/**
 * What bodies came to whose starts somebody else has ended. It is written beside that start, and counts for nothing; nobody waits for it, neither a
 * slot nor a fence. A start of a fenced incarnation may not have been ended yet: it is asked for again, for ten minutes at most.
 */
export class LateOutcomes {
  readonly #deps: LateOutcomesDeps;
  readonly #stopping = new AbortController();
  #waiting: Late[] = [];
  #writing = false;

  constructor(deps: LateOutcomesDeps) {
    this.#deps = deps;
  }

  /** Returns at once. False: there is nothing to be kept. */
  keep(start: { id: string; token: string }, outcome: Outcome): boolean {
    const what = supersededBy(outcome);
    if (!what || this.#stopping.signal.aborted || this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push({ ...start, what, untilMs: this.#nowMs() + PATIENCE_MS });
    if (!this.#writing) void this.#write();
    return true;
  }

  /** What is not written yet is dropped. */
  stop(): void {
    this.#stopping.abort();
  }

  async #write(): Promise<void> {
    const { runtime } = this.#deps;
    this.#writing = true;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      for (const late of [...this.#waiting]) {
        if (this.#stopping.signal.aborted) return;
        if (await this.#isDone(late)) this.#waiting = this.#waiting.filter(each => each !== late);
      }
      if (this.#waiting.length === 0) break;
      await runtime.timers.sleep(jittered(pauseMs, runtime.random), this.#stopping.signal);
    }
    this.#writing = false;
  }

  async #isDone({ id, token, what, untilMs }: Late): Promise<boolean> {
    const { tasks, log } = this.#deps;
    const overdue = this.#nowMs() >= untilMs;
    try {
      const verdict = await tasks.supersede(id, token, what);
      if (verdict === 'open') return overdue;
      if (verdict === 'kept') log.info(`What task ${shortId(id)} came to too late is kept as superseded.`, { taskId: id });
      return true;
    } catch (error) {
      if (overdue) log.warn(`What task ${shortId(id)} came to too late was not kept.`, { err: error, taskId: id });
      return overdue;
    }
  }

  #nowMs(): number {
    return this.#deps.runtime.clock.monotonicMs();
  }
}
