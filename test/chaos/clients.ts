import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { GPUS, SCHEDULES } from './cast.js';
import type { Journal } from './journal.js';
import type { Leaks } from './leaks.js';
import { nowUs } from './monotonic.js';
import type { TaskWish, Wish } from './plan-load.js';
import type { MemberWish, WorkflowWish } from './plan-workflows.js';

/**
 * One task that was asked for; microseconds. `unknown`: no clear answer ever came, so that it may be stored or not. `id`: as the API gave it.
 */
export interface Asked {
  label: string;
  askedAt: number;
  answeredAt: number;
  outcome: 'ok' | 'unknown' | 'refused';
  id: string | undefined;
  delayed: boolean;
  /** All tasks of one request bear the same number: all of them are stored, or none. */
  request: number;
}

export interface AskedCancel {
  task: string;
  askedAt: number;
  answeredAt: number;
  outcome: 'ok' | 'unknown' | 'refused';
}

type Answer = { kind: 'ok'; body: unknown } | { kind: 'refused'; status: number } | { kind: 'unclear'; why: string };

const REQUEST_MS = 5_000;
const PAUSE_MS = 500;
/** Beyond this a request waits for another one: the load must not pile up while nothing answers. */
const AT_ONCE = 64;

/** Plays the load of the plan: each request to one of both APIs, the other one when the answer is unclear and asking again is safe. */
export class Clients {
  readonly asked: Asked[] = [];
  readonly cancels: AskedCancel[] = [];
  readonly figures = { requests: 0, unclear: 0, refused: 0 };
  readonly #apis: readonly string[];
  readonly #journal: Journal;
  readonly #leaks: Leaks;
  readonly #underWay = new Set<Promise<void>>();
  /** By label: the id, once there is an answer. */
  readonly #ids = new Map<string, Promise<string | undefined>>();
  #turn = 0;

  constructor(apis: readonly string[], journal: Journal, leaks: Leaks) {
    this.#apis = apis;
    this.#journal = journal;
    this.#leaks = leaks;
  }

  /** Before the first fault, too. */
  async declareUnits(): Promise<void> {
    const answer = await this.#send('/api/v1/resources/gpu', { capacity: GPUS }, {}, 'PUT');
    if (answer.kind !== 'ok') throw new Error(`The units of gpu were not declared: ${JSON.stringify(answer)}`);
  }

  /** Schedules are there before the first fault. */
  async createSchedules(): Promise<void> {
    for (const { name, ...plan } of SCHEDULES) {
      const kwargs = { label: name, ms: 100, manner: 'gentle', exclusive: [], shared: [] };
      const task = { name: 'chaos.again', kwargs };
      const answer = await this.#send('/api/v1/schedules', { name, task, ...plan }, {});
      if (answer.kind !== 'ok') throw new Error(`The schedule ${name} was not created: ${JSON.stringify(answer)}`);
    }
  }

  /** Resolves when every request has its answer, or nobody waits for it any more; `signal` ends asking again. */
  async play(load: readonly (Wish | WorkflowWish)[], beganAt: number, signal: AbortSignal): Promise<void> {
    for (const [request, wish] of load.entries()) {
      await sleep(Math.max(0, beganAt + wish.at - performance.now()), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
      while (this.#underWay.size >= AT_ONCE) await Promise.race(this.#underWay);
      const mine = this.#fulfil(wish, request, signal).finally(() => this.#underWay.delete(mine));
      this.#underWay.add(mine);
    }
    await Promise.all(this.#underWay);
  }

  #fulfil(wish: Wish | WorkflowWish, request: number, signal: AbortSignal): Promise<void> {
    switch (wish.kind) {
      case 'cancel':
        return this.#cancel(wish.label);
      case 'batch':
        return this.#submitted(wish.tasks, { request, keyed: true }, signal);
      case 'workflow':
        return this.#submitWorkflow(wish.members, request, signal);
      case 'submit':
        return this.#submitted([wish.task], { request, keyed: wish.keyed }, signal);
    }
  }

  async #submitted(tasks: readonly TaskWish[], how: { request: number; keyed: boolean }, signal: AbortSignal): Promise<void> {
    const ids = this.#submit(tasks, how, signal);
    tasks.forEach(({ label }, index) =>
      this.#ids.set(
        label,
        ids.then(each => each[index]),
      ),
    );
    await ids;
  }

  /** Who comes after others gets a place in a line only when these have ended. */
  async #submitWorkflow(members: readonly MemberWish[], request: number, signal: AbortSignal): Promise<void> {
    const tasks = Object.fromEntries(
      members.map(each => [each.label, { ...this.#bodyOf(each), after: each.after, join: each.join }]),
    );
    const askedAt = nowUs();
    const answer = await this.#sendUntilClear('/api/v1/workflows', { tasks }, signal);
    const answeredAt = nowUs();
    const known = answer.kind === 'ok' ? (answer.body as { members: Record<string, { id: string }> }).members : {};
    const outcome = answer.kind === 'unclear' ? 'unknown' : answer.kind;
    for (const { label, after } of members) {
      this.asked.push({ label, askedAt, answeredAt, outcome, id: known[label]?.id, delayed: after.length > 0, request });
    }
  }

  /** As long as asking again is safe. */
  async #sendUntilClear(path: string, body: unknown, signal: AbortSignal): Promise<Answer> {
    const headers = { 'idempotency-key': randomUUID() };
    for (;;) {
      const answer = await this.#send(path, body, headers);
      if (answer.kind !== 'unclear' || signal.aborted) return answer;
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #submit(
    tasks: readonly TaskWish[],
    how: { request: number; keyed: boolean },
    signal: AbortSignal,
  ): Promise<(string | undefined)[]> {
    const bodies = tasks.map(task => this.#bodyOf(task));
    const [path, body] = bodies.length === 1 ? ['/api/v1/tasks', bodies[0]] : ['/api/v1/tasks/batch', { tasks: bodies }];
    const askedAt = nowUs();
    const answer = how.keyed ? await this.#sendUntilClear(path, body, signal) : await this.#send(path, body, {});
    const answeredAt = nowUs();
    const items = answer.kind === 'ok' ? itemsOf(answer.body) : [];
    for (const [index, task] of tasks.entries()) {
      const id = items[index]?.id;
      const delayed = task.countdownMs !== undefined;
      const outcome = answer.kind === 'unclear' ? 'unknown' : answer.kind;
      this.asked.push({ label: task.label, askedAt, answeredAt, outcome, id, delayed, request: how.request });
    }
    return tasks.map((_task, index) => items[index]?.id);
  }

  /** Only what is known to be stored can be cancelled. */
  async #cancel(label: string): Promise<void> {
    const task = await this.#ids.get(label);
    if (task === undefined) return;
    const askedAt = nowUs();
    const answer = await this.#send(`/api/v1/tasks/${task}/cancel`, {}, {});
    this.cancels.push({ task, askedAt, answeredAt: nowUs(), outcome: answer.kind === 'unclear' ? 'unknown' : answer.kind });
  }

  /** A status of 5xx (or 408) says that it was not done, or that nobody knows. */
  async #send(path: string, body: unknown, headers: Record<string, string>, method = 'POST'): Promise<Answer> {
    const api = this.#apis[this.#turn++ % this.#apis.length] ?? '';
    this.figures.requests++;
    try {
      const response = await fetch(`${api}${path}`, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(REQUEST_MS),
      });
      const text = await response.text();
      // A task is shown with its arguments; no other answer has any.
      this.#leaks.look(`an answer ${response.status} to ${method} ${path.split('/')[3] ?? path}`, text, response.ok);
      if (response.ok) return { kind: 'ok', body: JSON.parse(text) as unknown };
      if (response.status >= 500 || response.status === 408) return this.#unclear(`${response.status} ${text.slice(0, 200)}`);
      this.figures.refused++;
      if (response.status !== 409) this.#journal.note('refused', { path, status: response.status, text: text.slice(0, 500) });
      return { kind: 'refused', status: response.status };
    } catch (error) {
      return this.#unclear(String(error));
    }
  }

  #bodyOf(task: TaskWish): object {
    return bodyOf(task, this.#leaks.argument);
  }

  #unclear(why: string): Answer {
    this.figures.unclear++;
    this.#journal.note('unclear', { why });
    return { kind: 'unclear', why };
  }
}

function bodyOf(task: TaskWish, secret: string): object {
  const { label, type, ms, manner, exclusive, shared, queue, priority, countdownMs, expiresMs, retry, limits } = task;
  const { rate, gpus, limit, calls } = task;
  return {
    name: type,
    kwargs: { label, ms, manner, exclusive, shared, secret, ...(calls && { calls }) },
    exclusive,
    shared,
    queue,
    tags: [label],
    ...(priority !== undefined && { priority }),
    ...(countdownMs !== undefined && { countdown: countdownMs / 1_000 }),
    ...(expiresMs !== undefined && { expires: expiresMs / 1_000 }),
    ...(retry && { maxAttempts: 3, retry: { delay: retry.delayMs / 1_000, holdWhileRetrying: retry.hold } }),
    ...limits,
    ...(rate && { rateLimit: rate.limit, rateKey: rate.key }),
    ...(gpus !== undefined && { counted: { gpu: gpus } }),
    ...(limit && { concurrency: limit }),
  };
}

function itemsOf(body: unknown): { id: string }[] {
  const { items } = body as { items?: { id: string }[] };
  return items ?? [body as { id: string }];
}
