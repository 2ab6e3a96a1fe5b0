import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { Json, JsonObject } from '../core/json.js';
import { fenceOf, type EndReason } from '../core/task.js';
import type { Log } from '../process/log.js';
import type { Timers } from '../process/runtime.js';
import type { ChildOutcome as EndOfChild } from '../tasks/child-task.js';
import { completed, versionOf } from '../tasks/complete.js';
import { SoftTimeLimit, TaskAborted } from '../tasks/context.js';
import type { SpawnHow } from '../tasks/current.js';
import { Progress } from '../tasks/progress.js';
import { DEPENDENCIES, type TaskFacts } from '../tasks/run-context.js';
import { Awaiting } from '../worker/children/child/awaiting.js';
import type { ChildOutcome } from '../worker/children/from-child.js';
import { runOne, type Body, type Loaded } from '../worker/children/child/run-one.js';
import type { Timed } from '../worker/children/time-keeper.js';
import type { Job, JobEvents, RunOutcome } from '../worker/pool.js';

export interface Surroundings extends Loaded {
  worker: string;
  timers: Timers;
  monotonicMs: () => number;
  log: Log;
  /** It has ended, or waits for virtual time from now on. */
  cameToRest: () => void;
}

/** One start of a task, in this process. Once it has ended, what its code still does changes nothing. */
export class LabBody implements Body, Timed {
  readonly facts: TaskFacts;
  readonly job: Job;
  reportedAtMs = -Infinity;
  awaits = false;
  /** Why it was asked to end. */
  canceled: EndReason | undefined;
  readonly ended: Promise<RunOutcome>;
  readonly progress: Progress;
  readonly #events: JobEvents;
  readonly #around: Surroundings;
  readonly #controller = new AbortController();
  readonly #awaiting: Awaiting;
  #finish!: (outcome: RunOutcome) => void;
  #aborted: TaskAborted | SoftTimeLimit | undefined;
  #over = false;
  /** How many waits of its code end by virtual time alone. */
  #waits = 0;
  #folder: Promise<string> | undefined;

  constructor(job: Job, events: JobEvents, around: Surroundings) {
    const { id, name, args, kwargs, attempt, correlationId, exclusive, shared } = job.task;
    const fence = fenceOf(job.task) ?? null;
    this.facts = { id, name, args, kwargs, attempt, correlationId, exclusive, shared, fence, worker: around.worker };
    this.job = job;
    this.#events = events;
    this.#around = around;
    this.progress = new Progress(() => this.#report());
    this.#awaiting = new Awaiting(0, { outcomeOf: (_, task) => this.#asked(task) });
    this.ended = new Promise(resolve => (this.#finish = resolve));
  }

  /** Whether its code does something, or waits for anything but virtual time. */
  get active(): boolean {
    return !this.#over && this.#waits === 0;
  }

  get aborted(): boolean {
    return this.#aborted !== undefined;
  }

  get overtime(): SoftTimeLimit | undefined {
    return this.#aborted instanceof SoftTimeLimit ? this.#aborted : undefined;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get log(): Log {
    return this.#around.log;
  }

  readonly submit = async (body: JsonObject, how: SpawnHow = {}): Promise<{ id: string }> => {
    const { registry } = this.#around;
    return this.#events.spawn(await completed(this.#unlessOver(body), registry), { ...how, ...versionOf(body, registry) });
  };

  readonly outcomeOf = (task: string, signal: AbortSignal | undefined): Promise<EndOfChild> =>
    this.#resting(this.#awaiting.outcomeOf(task, signal ? [this.signal, signal] : [this.signal]));

  begin(): void {
    void runOne(this, this.#around).then(said => this.end(this.#outcomeOf(said)));
  }

  service(name: string, input: JsonObject): Promise<Json> {
    const answer = this.#events.service(name, this.#unlessOver(input));
    return name === DEPENDENCIES ? this.#resting(answer) : answer;
  }

  async sleep(ms: number): Promise<void> {
    await this.#resting(this.#around.timers.sleep(ms, this.signal));
    if (this.#over) await new Promise(() => undefined); // its process would be gone
  }

  /** It was asked to end, and does not: time goes on without it, to the end of its graces. */
  leave(): void {
    this.#waits += 1;
  }

  directory(): Promise<string> {
    return (this.#folder ??= mkdtemp(path.join(tmpdir(), 'interlock-task-')));
  }

  /** Asks it to end; it may still complete. */
  cancel(reason: EndReason): void {
    this.canceled = reason;
    this.#aborted = new TaskAborted(reason);
    this.#controller.abort(this.#aborted);
  }

  /** The same. A cancel that comes later holds. */
  exceed(softLimitMs: number): void {
    this.#aborted ??= new SoftTimeLimit(softLimitMs);
    this.#controller.abort(this.#aborted);
  }

  /** Ends it now, as if its process were killed. The first end holds. */
  end(outcome: RunOutcome): void {
    if (this.#over) return;
    this.#over = true;
    this.close();
    this.#finish(outcome);
    this.#around.cameToRest();
    void this.#folder?.then(folder => rm(folder, { recursive: true, force: true }));
  }

  close(): void {
    this.progress.close();
  }

  #outcomeOf(said: ChildOutcome): RunOutcome {
    if (said.kind === 'canceled') return { kind: 'canceled', reason: this.canceled ?? 'user' };
    return said.kind === 'completed' ? { kind: 'completed', result: said.result as Json } : said;
  }

  #asked(task: string): { answer: Promise<Json>; leave: () => void } {
    const left = new AbortController();
    const answer = this.#events.outcomeOf(task, left.signal) as Promise<unknown> as Promise<Json>;
    return { answer, leave: () => left.abort() };
  }

  #report(): void {
    this.reportedAtMs = this.#around.monotonicMs();
    this.#events.report(structuredClone(this.progress.bars), [...this.progress.created]);
  }

  #unlessOver(body: JsonObject): JsonObject {
    if (!this.#over) return body;
    throw new Error(`The task ${this.facts.id} has ended; nothing can be asked for in its name.`);
  }

  async #resting<T>(wait: Promise<T>): Promise<T> {
    this.#waits += 1;
    this.#around.cameToRest();
    try {
      return await wait;
    } finally {
      this.#waits -= 1;
    }
  }
}
