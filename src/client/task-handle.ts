import { isFinal } from '../core/state.js';
import { follow, type FollowOptions, type StreamEvent } from './events.js';
import { ResultExpired, TaskCanceled, TaskFailed, TaskTimeout } from './errors.js';
import { isTransient, pause, retryAfterMs, type Transport } from './transport.js';
import type { Explanation, TaskView } from './views.js';

export interface WaitOptions {
  /** Seconds; without it the wait has no end. */
  timeout?: number;
  signal?: AbortSignal;
  /** Called whenever the task was read. */
  onRead?: (task: TaskView) => void;
}

/** The API holds a request open for at most 60 s; half of that passes most proxies. */
const HOLD_SECONDS = 30;
/** On top of what the API was asked to hold. */
const ANSWER_MS = 15_000;
/** Where an answer came at once although the task goes on (an API that does not hold), it is not asked more often than this. */
const PAUSE_MS = 500;
/** A wait survives an API that is away for this long: its restart, or a failover of the database. */
const PATIENCE_MS = 60_000;

/** One submitted task. */
export class TaskHandle<Result = unknown> {
  readonly id: string;
  readonly #transport: Transport;

  constructor(transport: Transport, id: string) {
    this.#transport = transport;
    this.id = id;
  }

  /** Throws MissingResource. */
  get(): Promise<TaskView> {
    return this.#transport.json<TaskView>(this.#path());
  }

  explain(): Promise<Explanation> {
    return this.#transport.json<Explanation>(this.#path('/explain'));
  }

  /** Resolves with the task as it is then: canceled, or being canceled. Throws MissingResource, TASK_FINAL. */
  cancel(options: { tree?: boolean } = {}): Promise<TaskView> {
    const query = options.tree === undefined ? {} : { tree: options.tree };
    return this.#transport.repeatable<TaskView>(this.#path('/cancel'), { method: 'POST', query, body: {} });
  }

  /** Resolves with the task when it is final. Throws TaskTimeout, MissingResource, Unreachable (after a minute without an answer). */
  async wait(options: WaitOptions = {}): Promise<TaskView> {
    const { timeout = Infinity, signal, onRead } = options;
    const end = performance.now() + timeout * 1_000;
    let heardAt = performance.now();
    for (;;) {
      signal?.throwIfAborted();
      const startedAt = performance.now();
      let pauseMs = PAUSE_MS;
      try {
        const task = await this.#hold(Math.max(0, end - startedAt), signal);
        heardAt = performance.now();
        onRead?.(task);
        if (isFinal(task.state)) return task;
      } catch (error) {
        if (!isTransient(error) || performance.now() - heardAt > PATIENCE_MS) throw error;
        pauseMs = Math.max(pauseMs, retryAfterMs(error));
      }
      const leftMs = end - performance.now();
      if (leftMs <= 0) throw new TaskTimeout(this.id, timeout);
      await pause(Math.min(leftMs, startedAt + pauseMs - performance.now()), signal);
    }
  }

  /** The task as it is, then whatever changes, until it has ended. Throws MissingResource, Unreachable (after a minute without an answer). */
  events(options: FollowOptions = {}): AsyncGenerator<StreamEvent, void, undefined> {
    return follow(this.#transport, this.#path('/events'), {}, { ...options, untilEnd: true });
  }

  /** Resolves with what the body returned. Throws TaskFailed, TaskCanceled, ResultExpired, and what `wait` throws. */
  async result(options: WaitOptions = {}): Promise<Result> {
    const task = await this.wait(options);
    if (task.resultExpired) throw new ResultExpired(task);
    if (task.state === 'completed') return task.result as Result;
    throw task.state === 'failed' ? new TaskFailed(task) : new TaskCanceled(task);
  }

  #hold(leftMs: number, signal: AbortSignal | undefined): Promise<TaskView> {
    const seconds = Math.min(HOLD_SECONDS, Math.ceil(leftMs / 1_000));
    return this.#transport.json<TaskView>(this.#path(), {
      headers: seconds > 0 ? { prefer: `wait=${seconds}` } : {},
      timeoutMs: seconds * 1_000 + ANSWER_MS,
      signal,
    });
  }

  #path(rest = ''): string {
    return `/tasks/${encodeURIComponent(this.id)}${rest}`;
  }
}
