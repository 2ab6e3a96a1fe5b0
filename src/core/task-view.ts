import type { Json, JsonObject } from './json.js';
import type { Join } from './join.js';
import type { RetryPolicy } from './retry.js';
import type { State, WaitingFor } from './state.js';
import type { Attempt, EndReason, Exit, ProgressReport, Task, Unique } from './task.js';

export const API_BASE = '/api/v1';

/** A task as the REST API shows it: nothing is left out, absent is null, times are RFC 3339 with milliseconds. */
export interface TaskView {
  id: string;
  href: string;
  name: string;
  args: Json[];
  kwargs: JsonObject;
  exclusive: string[];
  shared: string[];
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
  group: string | null;
  node: string | null;
  after: { node: string; id: string }[] | null;
  join: Join | null;
  unique: Unique | null;
  schedule: { id: string; slot: string } | null;
  retryOf: string | null;
  correlationId: string;
  tags: string[];
  attempts: AttemptView[];
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
}

export function hrefOf(id: string): string {
  return `${API_BASE}/tasks/${id}`;
}

export function viewOf(task: Task): TaskView {
  return {
    id: task.id,
    href: hrefOf(task.id),
    name: task.name,
    args: task.args,
    kwargs: task.kwargs,
    exclusive: task.exclusive,
    shared: task.shared,
    queue: task.queue,
    priority: task.priority,
    state: task.state,
    waitingFor: task.waitingFor ?? null,
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
    group: task.group ?? null,
    node: task.node ?? null,
    after: task.after ?? null,
    join: task.join ?? null,
    unique: task.unique ?? null,
    schedule: task.schedule ? { id: task.schedule.id, slot: task.schedule.slot.toISOString() } : null,
    retryOf: null,
    correlationId: task.correlationId,
    tags: task.tags,
    attempts: task.attempts.map(attemptOf),
  };
}

function retryOf({ delayMs, backoff, maxDelayMs, jitter, hold }: RetryPolicy): TaskView['retry'] {
  return { delay: delayMs / 1_000, backoff, maxDelay: maxDelayMs / 1_000, jitter, holdWhileRetrying: hold };
}

function attemptOf({ n, worker, startedAt, finishedAt, reason, error, exit }: Attempt): AttemptView {
  return {
    n,
    worker,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    duration: Math.max(0, finishedAt.getTime() - startedAt.getTime()) / 1_000,
    reason,
    error: error ?? null,
    exit: exit ?? null,
  };
}

function timeOf(date: Date | undefined): string | null {
  return date?.toISOString() ?? null;
}

function secondsOf(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1_000;
}
