import { InterlockError } from '../core/errors.js';
import { isFinal } from '../core/state.js';
import type { Log } from '../process/log.js';
import { jittered, type Runtime } from '../process/runtime.js';
import type { TaskStore } from '../store/store.js';

const MAX_WAITERS = 1_000;
/** A waiter asks after this long, then half as long again each time, up to … */
const FIRST_MS = 50;
const GROWTH = 1.5;
const LONGEST_MS = 500;

interface Waiter {
  id: string;
  intervalMs: number;
  dueMs: number;
  over: AbortController;
}

export interface WaiterDeps {
  tasks: Pick<TaskStore, 'byIds'>;
  runtime: Runtime;
  log: Log;
}

/**
 * Requests that wait for a task to end (`Prefer: wait`). However many they are, one query at a time asks for all those that are due,
 * at most about twenty times a second.
 */
export class FinalWaiter {
  readonly #deps: WaiterDeps;
  readonly #waiting = new Set<Waiter>();
  #released = false;
  #polling = false;

  constructor(deps: WaiterDeps) {
    this.#deps = deps;
  }

  /** Throws OVERLOADED when 1,000 requests wait already. */
  assertRoom(): void {
    if (this.#waiting.size < MAX_WAITERS) return;
    throw new InterlockError(
      'OVERLOADED',
      `${MAX_WAITERS} requests wait for tasks already. Ask without "Prefer: wait", or later.`,
    );
  }

  /** Resolves when the task is final or gone, after `ms`, when `gone` aborts (the client left), or when the server stops. */
  async wait(id: string, ms: number, gone: AbortSignal): Promise<void> {
    if (this.#released || gone.aborted) return;
    const { clock, timers } = this.#deps.runtime;
    const waiter = { id, intervalMs: FIRST_MS, dueMs: clock.monotonicMs() + FIRST_MS, over: new AbortController() };
    this.#waiting.add(waiter);
    if (!this.#polling) void this.#poll();
    await timers.sleep(ms, AbortSignal.any([waiter.over.signal, gone]));
    this.#waiting.delete(waiter);
  }

  /** Lets everybody go, now and from now on. */
  release(): void {
    this.#released = true;
    for (const waiter of this.#waiting) waiter.over.abort();
  }

  async #poll(): Promise<void> {
    const { runtime, log } = this.#deps;
    this.#polling = true;
    while (this.#waiting.size > 0) {
      await runtime.timers.sleep(jittered(FIRST_MS, runtime.random));
      await this.#ask().catch((error: unknown) => log.debug('Could not ask for the tasks that are waited for.', { err: error }));
    }
    this.#polling = false;
  }

  async #ask(): Promise<void> {
    const { tasks, runtime } = this.#deps;
    const now = runtime.clock.monotonicMs();
    const due = [...this.#waiting].filter(waiter => waiter.dueMs <= now);
    if (due.length === 0) return;
    for (const waiter of due) {
      waiter.intervalMs = Math.min(waiter.intervalMs * GROWTH, LONGEST_MS);
      waiter.dueMs = now + waiter.intervalMs;
    }
    const found = await tasks.byIds([...new Set(due.map(waiter => waiter.id))]);
    const open = new Set(found.filter(task => !isFinal(task.state)).map(task => task.id));
    for (const waiter of due) if (!open.has(waiter.id)) waiter.over.abort();
  }
}
