import { InterlockError } from '../../core/errors.js';
import type { Json, JsonObject } from '../../core/json.js';
import { fenceOf, needsResources, type EndReason, type ProgressReport, type TaskError } from '../../core/task.js';
import type { Log } from '../../process/log.js';
import type { SpawnHow } from '../../tasks/current.js';
import { closedBars } from '../../tasks/progress.js';
import type { Job, JobEvents, RunOutcome } from '../pool.js';
import type { ChildOutcome, FromChild } from './from-child.js';
import { MAX_AWAITED, MAX_REQUESTS, type JobFacts, type ToChild } from './ipc.js';
import { monotonicMs } from './budget.js';

export type Spoken = Extract<FromChild, { kind: 'report' | 'log' | 'spawn' | 'await' | 'leave' | 'service' | 'directory' }>;

const TAIL = 2_048;
let numbers = 0;

/** One start in one child, as its supervisor sees it: what the child says of it, until it has ended. */
export class ChildRun {
  /** Of this worker process; names the start between the two. */
  readonly number = (numbers += 1);
  readonly job: Job;
  canceled: EndReason | undefined;
  /** What it did that nobody could catch. */
  fault: TaskError | undefined;
  /** The limit that it has run into, once it was ended for that. */
  overtime: TaskError | undefined;
  /** CLOCK_MONOTONIC milliseconds. */
  reportedAtMs = -Infinity;
  /** It waits for other tasks, and is not expected to report meanwhile. */
  awaits = false;
  readonly #events: JobEvents;
  readonly #parentLog: Log;
  #log: Log | undefined;
  #progress: ProgressReport[] = [];
  #created: string[] = [];
  #requests = 0;
  /** What it waits for, by the numbers of its requests. */
  readonly #awaited = new Map<number, AbortController>();
  #ended = false;
  #tail = '';

  constructor(job: Job, events: JobEvents, log: Log) {
    this.job = job;
    this.#events = events;
    this.#parentLog = log;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get needsResources(): boolean {
    return needsResources(this.job.task);
  }

  get log(): Log {
    const { id, name, correlationId } = this.job.task;
    this.#log ??= this.#parentLog.child({ taskId: id, taskName: name, correlationId });
    return this.#log;
  }

  /** The last 2 KiB of what it printed to stderr, where its child can tell. */
  get tail(): string {
    return this.#tail.trim();
  }

  get facts(): JobFacts {
    const { id, name, version, args, kwargs, attempt, correlationId, exclusive, shared, counted } = this.job.task;
    const fence = fenceOf(this.job.task) ?? null;
    const facts = { id, name, args, kwargs, attempt, correlationId, fence, exclusive, shared };
    return { ...facts, ...(counted && { counted }), ...(version !== undefined && { version }) };
  }

  /** Returns what is wrong with it, if a sane child would not have said it. */
  hear(message: Spoken, child: Answering): string | undefined {
    switch (message.kind) {
      case 'report':
        this.reportedAtMs = monotonicMs();
        this.#progress = message.progress;
        this.#created = message.created;
        this.#events.report(message.progress, message.created);
        return undefined;
      case 'log':
        if (message.fields.stream === 'stderr') this.#tail = `${this.#tail}${message.message}\n`.slice(-TAIL);
        this.log[message.level](message.message, message.fields);
        return undefined;
      case 'spawn':
        return this.#answer(message.id, child, () => this.#events.spawn(message.body as JsonObject, howOf(message)));
      case 'await':
        return this.#await(message, child);
      case 'leave':
        this.#awaited.get(message.id)?.abort();
        return undefined;
      case 'service':
        return this.#answer(message.id, child, () => this.#events.service(message.name, message.input as JsonObject));
      case 'directory':
        return this.#answer(message.id, child, () => child.directoryOf(this));
    }
  }

  /** Once: the bars that are open take the end of the task. Answers after this go nowhere. */
  end(outcome: RunOutcome): RunOutcome {
    this.#ended = true;
    for (const left of this.#awaited.values()) left.abort();
    const state = outcome.kind === 'completed' || outcome.kind === 'failed' ? outcome.kind : 'canceled';
    if (this.#progress.some(bar => bar.state === 'running'))
      this.#events.report(closedBars(this.#progress, state), this.#created);
    return outcome;
  }

  /** Ended for a limit, it has failed by that, whatever it says at last. */
  outcomeOf(said: ChildOutcome): RunOutcome {
    if (this.overtime) return { kind: 'failed', error: this.overtime, reason: 'timeout' };
    if (said.kind === 'canceled') return { kind: 'canceled', reason: this.canceled ?? 'user' };
    return said.kind === 'completed' ? { kind: 'completed', result: said.result as Json } : said;
  }

  #answer(id: number, child: Answering, ask: () => Promise<unknown>): string | undefined {
    if (this.#requests >= MAX_REQUESTS) return `it asks for more than ${MAX_REQUESTS} things at a time`;
    this.#requests += 1;
    void this.#reply(id, child, ask).finally(() => (this.#requests -= 1));
    return undefined;
  }

  #await({ id, task }: Extract<Spoken, { kind: 'await' }>, child: Answering): string | undefined {
    if (this.#awaited.size >= MAX_AWAITED) return `it waits for more than ${MAX_AWAITED} tasks at a time`;
    const left = new AbortController();
    this.#awaited.set(id, left);
    const answered = this.#reply(id, child, () => this.#events.outcomeOf(task, left.signal));
    void answered.finally(() => this.#awaited.delete(id));
    return undefined;
  }

  async #reply(id: number, child: Answering, ask: () => Promise<unknown>): Promise<void> {
    try {
      const value = ((await ask()) ?? null) as Json;
      if (!this.#ended) child.send({ kind: 'reply', id, value });
    } catch (error) {
      if (this.#ended) return;
      const known = error instanceof InterlockError;
      const message = error instanceof Error ? error.message : String(error);
      if (!known) this.log.error('A request of task code failed in its supervisor.', { error });
      const code = known ? error.code : 'INTERNAL_ERROR';
      child.send({ kind: 'refusal', id, code, message, errors: known ? error.errors : [] });
    }
  }
}

/** The child that asked. */
interface Answering {
  send(message: ToChild): void;
  directoryOf(run: ChildRun): Promise<string>;
}

function howOf({ version, awaited, underParent }: Extract<Spoken, { kind: 'spawn' }>): SpawnHow {
  return { ...(version !== undefined && { version }), ...(awaited && { awaited }), ...(underParent && { underParent }) };
}
