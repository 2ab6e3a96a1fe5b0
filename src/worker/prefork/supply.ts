import { availableParallelism } from 'node:os';

import type { Exit } from '../../core/task.js';
import { jittered } from '../../process/runtime.js';
import { TaskModuleError } from '../../tasks/load-modules.js';
import { monotonicMs } from './budget.js';
import { ChildHandle, type ChildOptions } from './child-handle.js';
import type { Cause } from './death.js';
import { deferred } from './deferred.js';

/** Starting a child costs a CPU for a moment: 64 at once would make none of them ready for 7 s on two cores. */
const STARTS_AT_ONCE = Math.max(2, Math.floor(availableParallelism() / 2));
/** After a child that died before it was ready: 250 ms, doubling up to 30 s. */
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 30_000;
/** So often may children die at their start before a pool that never had one says that it cannot work. */
const FIRST_TRIES = 3;

/** Keeps as many children alive as there are slots, and hands out those that are free. */
export class Supply {
  readonly children = new Set<ChildHandle>();
  /** What the last child to be ready has loaded. */
  types: string[] = [];
  readonly #slots: number;
  readonly #options: ChildOptions;
  readonly #stopping = new AbortController();
  readonly #first = deferred<undefined>();
  readonly #idle: ChildHandle[] = [];
  readonly #waiting = new Set<(child: ChildHandle | undefined) => void>();
  #running = false;
  #starting = 0;
  #failures = 0;
  #pausing = false;
  #deadlineMs: number | undefined;

  constructor(slots: number, options: ChildOptions) {
    this.#slots = slots;
    this.#options = options;
    this.#first.promise.catch(() => undefined); // `start` hands it to whoever looks
  }

  /** Resolves when the first child is ready. Rejects with TaskModuleError, or Error when children die at their start. */
  start(): Promise<undefined> {
    this.#running = true;
    this.#fill();
    return this.#first.promise;
  }

  /** Whether children must be dead by now: then none is started, and no task. */
  get expired(): boolean {
    return this.#deadlineMs !== undefined && monotonicMs() >= this.#deadlineMs;
  }

  extendDeadline(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs;
    for (const child of this.children) child.extendDeadline(deadlineMs);
    this.#fill();
  }

  /** A free child as soon as there is one; undefined when `signal` aborts, or all are ended, before that. */
  take(signal: AbortSignal): Promise<ChildHandle | undefined> {
    const child = this.#idle.shift();
    if (child || signal.aborted || this.#stopping.signal.aborted) return Promise.resolve(child);
    return new Promise(resolve => {
      const give = (found: ChildHandle | undefined): void => {
        this.#waiting.delete(give);
        signal.removeEventListener('abort', giveUp);
        resolve(found);
      };
      const giveUp = (): void => give(undefined);
      signal.addEventListener('abort', giveUp);
      this.#waiting.add(give);
    });
  }

  /** Takes back what `take` gave. */
  giveBack(child: ChildHandle): void {
    if (child.tasksRun > 0) this.#failures = 0;
    if (child.alive && child.cause === undefined) this.#offer(child); // else its end has been noticed, or will be
  }

  /** Kills every child; resolves when all are gone. Whoever waits for one gets none. */
  async endAll(cause: Cause): Promise<void> {
    this.#idle.length = 0;
    for (const give of [...this.#waiting]) give(undefined);
    await Promise.all([...this.children].map(child => child.end(cause)));
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#stopping.abort();
    this.#first.reject(new Error('The pool was stopped before a child was ready.'));
    await this.endAll({ kind: 'stop' });
  }

  #offer(child: ChildHandle): void {
    const [next] = this.#waiting;
    if (next) next(child);
    else this.#idle.push(child);
  }

  #fill(): void {
    const maySpawn = (): boolean => this.#running && !this.#pausing && !this.expired && this.#starting < STARTS_AT_ONCE;
    while (maySpawn() && this.children.size < this.#slots) {
      this.#starting += 1;
      void this.#startOne().finally(() => {
        this.#starting -= 1;
        this.#fill();
      });
    }
  }

  async #startOne(): Promise<void> {
    let child: ChildHandle | undefined;
    try {
      const born = new ChildHandle(this.#options, this.#deadlineMs);
      child = born;
      this.children.add(born);
      void born.gone.then(exit => this.#forget(born, exit));
      this.types = await born.ready;
      this.#first.resolve(undefined);
      this.giveBack(born);
    } catch (error) {
      const meant = child?.cause?.kind === 'worker-lost' || child?.cause?.kind === 'stop';
      if (!meant) await this.#startFailed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #startFailed(error: Error): Promise<void> {
    this.#failures += 1;
    if (error instanceof TaskModuleError || this.#failures >= FIRST_TRIES) this.#first.reject(error);
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), MAX_PAUSE_MS);
    const { runtime, log } = this.#options;
    log.error(`A child process did not come to work; the next is tried in about ${pauseMs} ms: ${error.message}`);
    this.#pausing = true;
    await runtime.timers.sleep(jittered(pauseMs, runtime.random), this.#stopping.signal);
    this.#pausing = false;
  }

  #forget(child: ChildHandle, exit: Exit): void {
    this.children.delete(child);
    const at = this.#idle.indexOf(child);
    if (at >= 0) this.#idle.splice(at, 1);
    const unasked = child.cause === undefined && child.loaded;
    // Modules may start what kills the child a moment later: that must not become a storm of starts.
    if (unasked && child.tasksRun === 0) void this.#startFailed(new Error(died(exit))).then(() => this.#fill());
    else if (unasked && child.task === null) this.#options.log.warn(died(exit), { child: child.identity.pid });
    this.#fill();
  }
}

function died(exit: Exit): string {
  return `An idle child process died (${exit.signal ?? `status ${exit.code ?? 'unknown'}`}).`;
}
