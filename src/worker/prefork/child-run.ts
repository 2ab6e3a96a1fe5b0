import { InterlockError } from '../../core/errors.js';
import type { Outcome } from '../../core/outcome.js';
import { fenceOf, needsResources, type EndReason, type ProgressReport } from '../../core/task.js';
import type { Json, JsonObject } from '../../core/json.js';
import type { Log } from '../../process/log.js';
import { closedBars } from '../../tasks/progress.js';
import type { TaskFacts } from '../../tasks/run-context.js';
import type { Job, JobEvents } from '../pool.js';
import type { ChildOutcome, FromChild } from './from-child.js';
import { MAX_REQUESTS, type ToChild } from './ipc.js';

export type Spoken = Extract<FromChild, { kind: 'report' | 'log' | 'spawn' | 'service' }>;

/** One task in one child, as its supervisor sees it: what the child says of it, until it has ended. */
export class ChildRun {
  readonly job: Job;
  readonly log: Log;
  readonly #events: JobEvents;
  readonly #send: (message: ToChild) => void;
  #progress: ProgressReport[] = [];
  #created: string[] = [];
  #requests = 0;
  #ended = false;
  canceled: EndReason | undefined;

  constructor(job: Job, events: JobEvents, log: Log, send: (message: ToChild) => void) {
    this.job = job;
    this.log = log.child({ taskId: job.task.id, taskName: job.task.name, correlationId: job.task.correlationId });
    this.#events = events;
    this.#send = send;
  }

  get needsResources(): boolean {
    return needsResources(this.job.task);
  }

  /** Returns what is wrong with it, if a sane child would not have said it. */
  hear(message: Spoken): string | undefined {
    switch (message.kind) {
      case 'report':
        this.#progress = message.progress;
        this.#created = message.created;
        this.#events.report(message.progress, message.created);
        return undefined;
      case 'log':
        this.log[message.level](message.message, message.fields);
        return undefined;
      case 'spawn':
        return this.#answer(message.id, () => this.#events.spawn(message.body as JsonObject));
      case 'service':
        return this.#answer(message.id, () => this.#events.service(message.name, message.input as JsonObject));
    }
  }

  /** Once: the bars that are open take the end of the task. Reports after this go nowhere. */
  end(outcome: Outcome): Outcome {
    this.#ended = true;
    const state = outcome.kind === 'completed' || outcome.kind === 'failed' ? outcome.kind : 'canceled';
    if (this.#progress.some(bar => bar.state === 'running'))
      this.#events.report(closedBars(this.#progress, state), this.#created);
    return outcome;
  }

  outcomeOf(said: ChildOutcome): Outcome {
    if (said.kind === 'canceled') return { kind: 'canceled', reason: this.canceled ?? 'user' };
    return said.kind === 'completed' ? { kind: 'completed', result: said.result as Json } : said;
  }

  #answer(id: number, ask: () => Promise<unknown>): string | undefined {
    if (this.#requests >= MAX_REQUESTS) return `it asks for more than ${MAX_REQUESTS} things at a time`;
    this.#requests += 1;
    void this.#reply(id, ask).finally(() => (this.#requests -= 1));
    return undefined;
  }

  async #reply(id: number, ask: () => Promise<unknown>): Promise<void> {
    try {
      const value = ((await ask()) ?? null) as Json;
      if (!this.#ended) this.#send({ kind: 'reply', id, value });
    } catch (error) {
      const known = error instanceof InterlockError;
      const message = error instanceof Error ? error.message : String(error);
      if (!known) this.log.error('A request of task code failed in its supervisor.', { error });
      this.#send({
        kind: 'refusal',
        id,
        code: known ? error.code : 'INTERNAL_ERROR',
        message,
        errors: known ? error.errors : [],
      });
    }
  }
}

export function factsOf(job: Job, worker: string): TaskFacts {
  const { id, name, args, kwargs, attempt, correlationId, exclusive, shared } = job.task;
  return { id, name, args, kwargs, attempt, worker, correlationId, fence: fenceOf(job.task) ?? null, exclusive, shared };
}
