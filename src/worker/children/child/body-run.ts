import { setTimeout as sleep } from 'node:timers/promises';

import type { Json, JsonObject } from '../../../core/json.js';
import type { TaskError } from '../../../core/task.js';
import type { Log } from '../../../process/log.js';
import { SoftTimeLimit, TaskAborted } from '../../../tasks/context.js';
import type { ChildOutcome } from '../../../tasks/child-task.js';
import type { SpawnHow } from '../../../tasks/current.js';
import type { Progress } from '../../../tasks/progress.js';
import type { TaskFacts } from '../../../tasks/run-context.js';
import type { Body } from './run-one.js';
import { MAX_REQUESTS } from '../ipc.js';
import { Awaiting } from './awaiting.js';
import { childLog, type Line } from './child-log.js';
import { Reports, type Report } from './reports.js';
import type { Request, Supervisor } from './supervisor.js';

type Asked<R = Request> = R extends Request ? Omit<R, 'run'> : never;

export interface BodyRunDeps {
  supervisor: Supervisor;
  /** False: too much is logged in this child, and the line is dropped. */
  mayLog?: () => boolean;
  directory: (run: BodyRun) => Promise<string>;
  /** Adds to a submit body what its type says. */
  complete: (body: JsonObject) => Promise<JsonObject>;
  versionOf: (body: JsonObject) => { version?: number };
  /** Its body has returned: what is still to be said in its name must be said now. */
  closing?: (run: BodyRun) => void;
}

/** One body from its start to its end, inside the child: what its context offers, made when it is first asked for. */
export class BodyRun implements Body {
  readonly number: number;
  readonly facts: TaskFacts;
  readonly #deps: BodyRunDeps;
  #controller: AbortController | undefined;
  #aborted: TaskAborted | SoftTimeLimit | undefined;
  #log: Log | undefined;
  #reports: Reports | undefined;
  #fault: TaskError | undefined;
  #open = 0;
  #whenAnswered: (() => void)[] = [];
  #queue: (() => void)[] = [];
  #awaiting: Awaiting | undefined;
  #ended = false;

  constructor(number: number, facts: TaskFacts, deps: BodyRunDeps) {
    this.number = number;
    this.facts = facts;
    this.#deps = deps;
  }

  get aborted(): boolean {
    return this.#aborted !== undefined;
  }

  /** Its soft limit has passed, and nothing asked it to end before that. */
  get overtime(): SoftTimeLimit | undefined {
    return this.#aborted instanceof SoftTimeLimit ? this.#aborted : undefined;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What it did where nobody could catch it: that is its end, whatever it returns. */
  get fault(): TaskError | undefined {
    return this.#fault;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  get log(): Log {
    this.#log ??= childLog(line => this.say(line), this.#deps.mayLog);
    return this.#log;
  }

  get progress(): Progress {
    this.#reports ??= new Reports(report => this.#report(report));
    return this.#reports.progress;
  }

  /** How many requests are unanswered: each may go on with a body that has ended. */
  get pending(): number {
    return this.#open + this.#queue.length;
  }

  readonly submit = async (body: JsonObject, how: SpawnHow = {}): Promise<{ id: string }> =>
    (await this.#ask({ kind: 'spawn', body: await this.#deps.complete(body), ...how, ...this.#deps.versionOf(body) })) as {
      id: string;
    };

  readonly outcomeOf = (task: string, signal: AbortSignal | undefined): Promise<ChildOutcome> => {
    this.#awaiting ??= new Awaiting(this.number, this.#deps.supervisor);
    return this.#awaiting.outcomeOf(task, signal ? [this.signal, signal] : [this.signal]);
  };

  service(name: string, input: JsonObject): Promise<Json> {
    return this.#ask({ kind: 'service', name, input });
  }

  directory(): Promise<string> {
    return this.#deps.directory(this);
  }

  async sleep(ms: number): Promise<void> {
    const { signal } = this;
    await sleep(ms, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  askForDirectory(): Promise<string> {
    return this.#ask({ kind: 'directory' }) as Promise<string>;
  }

  abort(reason: string): void {
    if (!this.#aborted || this.overtime) this.#aborted = new TaskAborted(reason);
    this.#controller?.abort(this.#aborted);
  }

  /** Asks it to end; it may still complete. A cancel that comes later holds. */
  exceed(softLimitMs: number): void {
    this.#aborted ??= new SoftTimeLimit(softLimitMs);
    this.#controller?.abort(this.#aborted);
  }

  /** It is told to end, too. */
  fail(fault: TaskError): void {
    this.#fault ??= fault;
    this.abort('failed');
  }

  say(line: Line): void {
    if (!this.#ended) this.#deps.supervisor.sendNow({ ...line, run: this.number });
  }

  /** What its body still does is dropped, and what it asks for is refused. */
  close(): void {
    this.#deps.closing?.(this);
    this.#ended = true;
    this.#reports?.close();
  }

  /** Resolves when nothing is asked for any more in its name: after 30 s at the latest, once it is closed. */
  async answered(): Promise<void> {
    while (this.pending > 0) await new Promise<void>(resolve => this.#whenAnswered.push(resolve));
  }

  #report(report: Report): void {
    const { supervisor } = this.#deps;
    if (this.#ended) supervisor.send({ ...report, run: this.number });
    else supervisor.sendNow({ ...report, run: this.number });
  }

  async #ask(request: Asked): Promise<Json> {
    while (this.#open >= MAX_REQUESTS) await new Promise<void>(resolve => this.#queue.push(resolve));
    if (this.#ended) throw new Error(`The task ${this.facts.id} has ended; nothing can be asked for in its name.`);
    this.#open += 1;
    try {
      return await this.#deps.supervisor.ask({ ...request, run: this.number });
    } finally {
      this.#open -= 1;
      this.#queue.shift()?.();
      for (const resolve of this.#whenAnswered.splice(0)) resolve();
    }
  }
}
