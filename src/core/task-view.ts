import { limitKeyOf } from './canonical-resources.js';
import type { Json, JsonObject } from './json.js';
import type { Join } from './join.js';
import { limitText } from './rate.js';
import type { Counted } from './reservation.js';
import type { RetryPolicy } from './retry.js';
import type { State, WaitingFor } from './state.js';
import type { ConcurrencyWish } from './submit-body.js';
import type { Attempt, EndReason, Exit, ProgressReport, Superseded, Task, Unique } from './task.js';

export const API_BASE = '/api/v1';

/** A task as the REST API shows it: nothing is left out, absent is null, times are RFC 3339 with milliseconds. */
export interface TaskView {
  id: string;
  href: string;
  name: string;
  /** Of its type, where that has one. */
  version: number | null;
  args: Json[];
  kwargs: JsonObject;
  exclusive: string[];
  shared: string[];
  /** Units by name. */
  counted: Record<string, number>;
  queue: string;
  priority: number;
  state: State;
  waitingFor: WaitingFor | null;
  /** When a delay or a retry ends. */
  dueAt: string | null;
  expiresAt: string | null;
  attempt: number;
  maxAttempts: number;
  retry: {
    delay: number;
    backoff: 'fixed' | 'exponential';
    maxDelay: number;
    jitter: boolean;
    holdWhileRetrying: boolean;
  } | null;
  softTimeLimit: number | null;
  timeLimit: number | null;
  stallAfter: number | null;
  worker: string | null;
  createdAt: string;
  readyAt: string | null;
  startedAt: string | null;
  finishedAt: string | null;
  result: Json;
  error: { code: string; message: string; traceback: string | null } | null;
  reason: EndReason | null;
  progress: ProgressReport[];
  createdResources: string[];
  parent: string | null;
  root: string | null;
  /** Ids of the tasks that its body waits for; it has given its slot back meanwhile. */
  awaiting: string[] | null;
  /** Id of the task under whose reservation it runs. */
  under: string | null;
  group: string | null;
  node: string | null;
  after: { node: string; id: string }[] | null;
  join: Join | null;
  unique: Unique | null;
  rateLimit: string | null;
  rateKey: string | null;
  concurrency: ConcurrencyWish | null;
  schedule: { id: string; slot: string } | null;
  retryOf: string | null;
  correlationId: string;
  tags: string[];
  attempts: AttemptView[];
  /** The result was dropped: it was older than `retention.resultsSeconds`. */
  resultExpired: boolean;
}

/** A start that has ended. Tokens and incarnations stay inside. */
export interface AttemptView {
  n: number;
  worker: string;
  startedAt: string;
  finishedAt: string;
  /** Seconds. */
  duration: number;
  reason: string;
  error: { code: string; message: string } | null;
  exit: Exit | null;
  superseded: SupersededView | null;
}

/** What the body of a start came to after somebody else had ended that start: told, and of no effect. */
export interface SupersededView {
  kind: Superseded['kind'];
  at: string;
  /** Null also where it was too long to be kept. */
  result: Json;
  resultBytes: number | null;
  error: { code: string; message: string } | null;
}

export function hrefOf(id: string): string {
  return `${API_BASE}/tasks/${id}`;
}

export function viewOf(task: Task): TaskView {
  return {
    id: task.id,
    href: hrefOf(task.id),
    name: task.name,
    version: task.version ?? null,
    args: task.args,
    kwargs: task.kwargs,
    exclusive: task.exclusive,
    shared: task.shared,
    counted: countedUnits(task),
    queue: task.queue,
    priority: task.priority,
    state: task.state,
    waitingFor: waitingForOf(task),
    dueAt: timeOf(task.dueAt),
    expiresAt: timeOf(task.expiresAt),
    attempt: task.attempt,
    maxAttempts: task.maxAttempts,
    retry: task.retry ? retryOf(task.retry) : null,
    softTimeLimit: secondsOf(task.timeLimits?.softMs),
    timeLimit: secondsOf(task.timeLimits?.hardMs),
    stallAfter: secondsOf(task.timeLimits?.stallMs),
    worker: task.run?.worker ?? task.attempts.at(-1)?.worker ?? null,
    createdAt: task.createdAt.toISOString(),
    readyAt: timeOf(task.readyAt),
    startedAt: timeOf(task.startedAt),
    finishedAt: timeOf(task.finishedAt),
    result: task.result ?? null,
    error: task.error ? { ...task.error, traceback: task.error.traceback ?? null } : null,
    reason: task.reason ?? null,
    progress: task.progress,
    createdResources: task.createdResources,
    parent: task.parent ?? null,
    root: task.root ?? null,
    awaiting: task.awaiting ?? null,
    under: task.under?.task ?? null,
    group: task.group ?? null,
    node: task.node ?? null,
    after: task.after ?? null,
    join: task.join ?? null,
    unique: task.unique ?? null,
    rateLimit: task.rate ? limitText(task.rate) : null,
    rateKey: task.rate?.key ?? null,
    concurrency: concurrencyWishOf(task) ?? null,
    schedule: task.schedule ? { id: task.schedule.id, slot: task.schedule.slot.toISOString() } : null,
    retryOf: task.retryOf ?? null,
    correlationId: task.correlationId,
    tags: task.tags,
    attempts: task.attempts.map(attemptOf),
    resultExpired: task.resultExpired ?? false,
  };
}

/** `limit` where nothing but limits can keep it. Stored is who has to act, which is the resource manager. */
export function waitingForOf(task: Pick<Task, 'waitingFor' | 'exclusive' | 'shared' | 'counted'>): WaitingFor | null {
  const { waitingFor = null, exclusive, shared } = task;
  const names = exclusive.length + shared.length + resourcesIn(task).length;
  return waitingFor === 'resources' && names === 0 ? 'limit' : waitingFor;
}

function resourcesIn({ counted = [] }: Pick<Task, 'counted'>): Counted[] {
  return counted.filter(({ name }) => limitKeyOf(name) === undefined);
}

/** Units by name, as they are asked for. */
export function countedUnits(task: Pick<Task, 'counted'>): Record<string, number> {
  return Object.fromEntries(resourcesIn(task).map(({ name, units }) => [name, units]));
}

/** The limit that it counts towards, as it is asked for. */
export function concurrencyWishOf({ counted = [] }: Pick<Task, 'counted'>): ConcurrencyWish | undefined {
  for (const { name, capacity } of counted) {
    const key = limitKeyOf(name);
    if (key !== undefined && capacity !== undefined) return { key, max: capacity };
  }
  return undefined;
}

function retryOf({ delayMs, backoff, maxDelayMs, jitter, hold }: RetryPolicy): TaskView['retry'] {
  return { delay: delayMs / 1_000, backoff, maxDelay: maxDelayMs / 1_000, jitter, holdWhileRetrying: hold };
}

function attemptOf({ n, worker, startedAt, finishedAt, reason, error, exit, superseded }: Attempt): AttemptView {
  return {
    n,
    worker,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    duration: Math.max(0, finishedAt.getTime() - startedAt.getTime()) / 1_000,
    reason,
    error: error ?? null,
    exit: exit ?? null,
    superseded: superseded ? supersededOf(superseded) : null,
  };
}

function supersededOf({ kind, at, result, resultBytes, error }: Superseded): SupersededView {
  return { kind, at: at.toISOString(), result: result ?? null, resultBytes: resultBytes ?? null, error: error ?? null };
}

function timeOf(date: Date | undefined): string | null {
  return date?.toISOString() ?? null;
}

function secondsOf(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1_000;
}
