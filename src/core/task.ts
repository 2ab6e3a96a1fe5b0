import type { Join } from './join.js';
import type { Json, JsonObject } from './json.js';
import type { RetryPolicy } from './retry.js';
import type { State, WaitingFor } from './state.js';

/**
 * A grant is the only lock there is: a task that carries one and is not final holds its resources.
 * `fence` only grows over the life of a deployment; the grant owns the numbers `fence … fence + maxAttempts - 1`.
 */
export interface Grant {
  fence: number;
  /** Epoch of the resource manager that gave it. */
  epoch: number;
  at: Date;
  /** Set when only this worker may start the task (eager assignment, dedicated workers). */
  worker?: string;
}

/** Who runs the task now. `token` is fresh for every start, so that a late writer can never be mistaken for a new one. */
export interface Run {
  worker: string;
  incarnation: string;
  token: string;
  at: Date;
}

/** How the process that ran the body ended, when that is worth knowing. */
export interface Exit {
  code: number | null;
  signal: string | null;
}

/** One start that has ended: the ledger that an audit reads. */
export interface Attempt {
  n: number;
  worker: string;
  incarnation: string;
  token: string;
  grant?: { fence: number; epoch: number };
  startedAt: Date;
  finishedAt: Date;
  /** `completed`, `failed`, or why it did not get that far: `worker-lost`, `user`, `given-back`, … */
  reason: string;
  /** Of a start that another one followed, or may follow: the task's own `error` tells of the last one. */
  error?: Omit<TaskError, 'traceback'>;
  exit?: Exit;
}

export interface TaskError {
  code: string;
  message: string;
  traceback?: string;
}

export interface ProgressReport {
  code: string;
  message: string;
  done: number;
  total: number | null;
  suffix: string | null;
  state: 'running' | 'completed' | 'failed' | 'canceled';
}

/** Milliseconds that one start may take until its body is asked to end, until it is killed, and between two of its reports. */
export interface TimeLimits {
  softMs?: number;
  hardMs?: number;
  stallMs?: number;
}

/** At most one task of a deployment has this key at a time: until it starts, or until it ends. */
export interface Unique {
  key: string;
  while: 'waiting' | 'open';
  /** What becomes of another one that wants the key meanwhile. */
  onConflict: 'return' | 'reject';
}

export type OnWorkerLoss = 'cancel' | 'requeue';

/** Why a task ended as it did, beyond its state. */
export type EndReason = 'user' | 'worker-lost' | 'worker-shutdown' | 'timeout' | 'expired' | 'restored' | 'dependency-failed';

/** The record of a task: the truth. Absent means "not yet" or "never"; dates are server time. */
export interface Task {
  /** UUIDv7. */
  id: string;
  /** Acceptance number: unique, and the order of every waiting line. A task that was not ready at first takes a new one later. */
  seq: number;
  name: string;
  args: Json[];
  kwargs: JsonObject;
  queue: string;
  priority: number;
  /** Given by the store: `core/priority.ts`. */
  rank?: number;
  exclusive: string[];
  shared: string[];
  state: State;
  waitingFor?: WaitingFor;
  grant?: Grant;
  /** Starts so far; the running attempt carries this number. */
  attempt: number;
  maxAttempts: number;
  onWorkerLoss: OnWorkerLoss;
  /** Absent: a body that fails is started again only where it asks for that itself. */
  retry?: RetryPolicy;
  timeLimits?: TimeLimits;
  run?: Run;
  attempts: Attempt[];
  cancel?: { at: Date; by: string; reason: EndReason };
  /** When a `delay` or `retry` ends. */
  dueAt?: Date;
  /** Never starts after this. */
  expiresAt?: Date;
  result?: Json;
  error?: TaskError;
  progress: ProgressReport[];
  createdResources: string[];
  parent?: string;
  root?: string;
  group?: string;
  /** Its name in its workflow. */
  node?: string;
  /** What it comes after, by the names that these have in the workflow. */
  after?: { node: string; id: string }[];
  join?: Join;
  schedule?: { id: string; slot: Date };
  unique?: Unique;
  idempotency?: { principal: string; key: string; bodyHash: string };
  correlationId: string;
  tags: string[];
  createdAt: Date;
  readyAt?: Date;
  startedAt?: Date;
  finishedAt?: Date;
  reason?: EndReason;
  /** What is wrong with the record, where a store could read only a part of it. Never stored; nobody may start or grant such a task. */
  damaged?: string;
}

/** What is written when a task is accepted: the store adds `seq` and the server's `createdAt`. */
export type NewTask = Omit<Task, 'seq' | 'rank' | 'createdAt' | 'readyAt' | 'damaged'>;

export function needsResources(task: Pick<Task, 'exclusive' | 'shared'>): boolean {
  return task.exclusive.length + task.shared.length > 0;
}

/** The number that a body of this attempt shows to the outside; only grows, per resource, over attempts and grants. */
export function fenceOf(task: Pick<Task, 'grant' | 'attempt'>): number | undefined {
  return task.grant && task.grant.fence + task.attempt - 1;
}
