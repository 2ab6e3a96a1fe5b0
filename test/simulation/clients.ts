import type { CancelRequest, Submission } from '../../src/audit/history.js';
import { canonicalResources, limitOf } from '../../src/core/canonical-resources.js';
import { InterlockError, StoreError } from '../../src/core/errors.js';
import type { JsonObject } from '../../src/core/json.js';
import { DEFAULT_RETRY } from '../../src/core/retry.js';
import { needsResources, type NewTask } from '../../src/core/task.js';
import type { Chance } from './chance.js';
import type { SimulatedProcess } from './process.js';
import type { Api } from './roles.js';
import type { TaskPlan, WorkflowPlan } from './scenario.js';
import type { Scheduler } from './scheduler.js';
import { asJson } from '../../src/testing/store/records.js';
import type { CommandPlan } from './steering.js';

export interface ClientsDeps {
  scheduler: Scheduler;
  chance: Chance;
  /** An api that takes requests, any of them. */
  anApi: () => { api: Api; process: SimulatedProcess } | undefined;
  serverTime: () => Date;
}

const TIMEOUT_MS = 15_000;
const RETRY_MS = 2_000;

/** REST clients: most ask until they have a clear answer, with the same idempotency key. */
export class Clients {
  readonly submissions: Submission[] = [];
  readonly cancels: CancelRequest[] = [];
  /** Requests without a clear answer. */
  open = 0;
  readonly #deps: ClientsDeps;
  readonly #ids = new Map<string, string>();
  /** Who is asked for when this one has been answered. */
  readonly #next = new Map<string, TaskPlan>();
  #tries = 0;

  constructor(deps: ClientsDeps) {
    this.#deps = deps;
  }

  load(plans: readonly TaskPlan[]): void {
    const { scheduler } = this.#deps;
    for (const plan of plans) {
      this.open++;
      if (plan.follows !== undefined && plans.some(({ label }) => label === plan.follows)) this.#next.set(plan.follows, plan);
      else scheduler.at(plan.atMs, () => this.#submit(plan, scheduler.nowMs));
      if (plan.cancelAtMs === undefined) continue;
      this.open++;
      scheduler.at(plan.cancelAtMs, () => this.#cancel(plan, scheduler.nowMs));
    }
  }

  /** A workflow is asked for until it is stored: its keys make it one. */
  loadWorkflows(plans: readonly WorkflowPlan[]): void {
    for (const plan of plans) {
      this.open++;
      this.#deps.scheduler.at(plan.atMs, () => this.#submitWorkflow(plan));
    }
  }

  /** Operators ask until the worker is live to be asked; what is meant for the storm, not after it. */
  loadCommands(plans: readonly CommandPlan[], calmFromMs: number): void {
    for (const plan of plans) {
      this.open++;
      this.#deps.scheduler.at(plan.atMs, () => this.#steer(plan, plan.atMs < calmFromMs ? calmFromMs : Infinity));
    }
  }

  #steer(plan: CommandPlan, untilMs: number): void {
    this.#ask(
      api => api.steer(plan.worker, plan.command),
      () => {
        this.open--;
      },
      error => {
        const refused = error instanceof InterlockError && error.code === 'VALIDATION_FAILED';
        const over = refused || this.#deps.scheduler.nowMs >= untilMs; // no slots would be left, or the storm is over
        if (over) this.open--;
        else this.#steer(plan, untilMs);
      },
    );
  }

  #submitWorkflow(plan: WorkflowPlan): void {
    const { serverTime } = this.#deps;
    const tasks = workflowOf(plan, ++this.#tries, serverTime());
    this.#ask(
      api => api.acceptAll(tasks),
      () => {
        this.open--;
      },
      () => this.#submitWorkflow(plan),
    );
  }

  #submit(plan: TaskPlan, askedAt: number): void {
    const { scheduler, serverTime } = this.#deps;
    const id = `${plan.label}-${++this.#tries}`;
    this.#ask(
      api => api.accept(newTask(plan, id, serverTime())),
      ({ task, joined }) => {
        this.#answered(plan, task.id);
        if (joined) return; // another one's request
        const answered = { id: task.id, askedAt, answeredAt: scheduler.nowMs, outcome: 'ok' as const };
        this.submissions.push({ ...answered, delayed: plan.delayMs !== undefined });
      },
      () => {
        if (!plan.once) return this.#submit(plan, askedAt);
        this.#answered(plan, id); // it may be stored yet
      },
    );
  }

  #answered(plan: TaskPlan, id: string): void {
    const { scheduler, chance } = this.#deps;
    this.open--;
    this.#ids.set(plan.label, id);
    const next = this.#next.get(plan.label);
    if (next) scheduler.after(chance.about(20), () => this.#submit(next, scheduler.nowMs));
  }

  #cancel(plan: TaskPlan, askedAt: number): void {
    const { scheduler } = this.#deps;
    const id = this.#ids.get(plan.label);
    if (id === undefined) return scheduler.after(RETRY_MS, () => this.#cancel(plan, askedAt));
    this.#ask(
      api => api.cancel(id),
      () => {
        this.open--;
        this.cancels.push({ id, askedAt, answeredAt: scheduler.nowMs, outcome: 'ok' });
      },
      error => {
        if (error instanceof InterlockError && !(error instanceof StoreError))
          this.open--; // it has ended already
        else this.#cancel(plan, askedAt);
      },
    );
  }

  /** One request to any api; `failed` comes after a pause, also when the api died under it. */
  #ask<T>(request: (api: Api) => Promise<T>, done: (answer: T) => void, failed: (error: unknown) => void): void {
    const { scheduler, anApi } = this.#deps;
    const to = anApi();
    let open = true;
    const fail = (error: unknown): void => {
      if (!open) return;
      open = false;
      scheduler.after(RETRY_MS, () => failed(error));
    };
    if (!to) return fail(undefined);
    scheduler.after(TIMEOUT_MS, () => fail(undefined));
    to.process.deliver(() => {
      request(to.api).then(answer => {
        if (!open || !to.process.alive) return;
        open = false;
        done(answer);
      }, fail);
    });
  }
}

function newTask(plan: TaskPlan, id: string, now: Date): NewTask {
  const { label, ms, ends, calls, requeue, retry, priority, queue, once, delayMs, expiresMs, unique, rate } = plan;
  const reserved = reservedBy(plan);
  const ready = needsResources({ ...reserved, ...(rate && { rate }) }) ? 'resources' : 'worker';
  return {
    id,
    name: label,
    ...versionOf(label),
    args: [],
    kwargs: asJson({ ms, ends, ...(calls && { calls }) }) as unknown as JsonObject,
    queue,
    priority,
    ...reserved,
    state: 'waiting',
    waitingFor: delayMs === undefined ? ready : 'delay',
    ...(delayMs !== undefined && { dueAt: new Date(now.getTime() + delayMs) }),
    ...(expiresMs !== undefined && { expiresAt: new Date(now.getTime() + expiresMs) }),
    attempt: 0,
    maxAttempts: requeue || retry ? 3 : 1,
    ...(retry && {
      retry: {
        ...DEFAULT_RETRY,
        maxDelayMs: Math.max(retry.delayMs, DEFAULT_RETRY.maxDelayMs),
        ...retry,
        ...(rate && { hold: false }),
      },
    }),
    onWorkerLoss: requeue ? 'requeue' : 'cancel',
    attempts: [],
    progress: [],
    createdResources: [],
    ...(!once && { idempotency: { principal: 'client', key: label, bodyHash: label } }),
    ...(unique !== undefined && { unique: { key: unique, while: 'open', onConflict: 'return' } }),
    ...(rate && { rate }),
    correlationId: label,
    tags: [],
  };
}

/** Some types have one. */
function versionOf(label: string): { version?: number } {
  return /[49]$/.test(label) ? { version: 2 } : {};
}

function reservedBy({ exclusive, shared, gpus, limit }: TaskPlan): Pick<NewTask, 'exclusive' | 'shared' | 'counted'> {
  const { counted = [], ...names } = canonicalResources({
    exclusive,
    shared,
    ...(gpus !== undefined && { counted: { gpu: gpus } }),
  });
  const all = limit ? [...counted, limitOf(limit.key, limit.max)] : counted;
  return { ...names, ...(all.length > 0 && { counted: all }) };
}

function workflowOf({ label, atMs, members }: WorkflowPlan, tries: number, now: Date): NewTask[] {
  const idOf = (place: number): string => `${label}.${place}-${tries}`;
  return members.map(({ after, join, ...member }, place): NewTask => {
    const plan = { label: `${label}.${place}`, atMs, shared: [], priority: 4, queue: 'default', once: false, ...member };
    const task = { ...newTask(plan, idOf(place), now), group: `${label}-${tries}`, node: String(place) };
    if (after.length === 0) return task;
    return {
      ...task,
      join,
      waitingFor: 'dependencies',
      after: after.map(earlier => ({ node: String(earlier), id: idOf(earlier) })),
    };
  });
}
