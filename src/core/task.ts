import type { Join } from './join.js';
import type { Json, JsonObject } from './json.js';
import type { Rate } from './rate.js';
import type { Counted, Reservation } from './reservation.js';
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
  /** Of a task with a rate: its first start by this grant, where that was given back. */
  begunAt?: Date;
  /** Set when only this worker may start the task (eager assignment, dedicated workers). */
  worker?: string;
}

/** Under whose reservation a task runs: that of another one, by the grant that it had when it lent it. */
export interface Lender {
  task: string;
  fence: number;
}

/** Who runs the task now. `token` is fresh for every start, so that a late writer can never be mistaken for a new one. */
export interface Run {
  worker: string;
  incarnation: string;
  token: string;
  at: Date;
  /** How often `awaiting` was written: a late write of it is never taken for the newest. */
  waits?: number;
  /** The highest that a child has had under its reservation. */
  fence?: number;
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
  grant?: { fence: number; epoch: number; begunAt?: Date };
  /** The highest that a child has had under this one's reservation. */
  fence?: number;
  startedAt: Date;
  finishedAt: Date;
  /** `completed`, `failed`, or why it did not get that far: `worker-lost`, `user`, `given-back`, … */
  reason: string;
  /** Of a start that another one followed, or may follow: the task's own `error` tells of the last one. */
  error?: Omit<TaskError, 'traceback'>;
  exit?: Exit;
  /** What its body came to all the same, told after somebody else had ended this start. It counts for nothing. */
  superseded?: Superseded;
}

export interface Superseded {
  kind: 'completed' | 'failed' | 'skipped';
  /** When it was told. */
  at: Date;
  /** What the body returned, where that is short. */
  result?: Json;
  /** Of the result as JSON, also where it was too long to be kept. */
  resultBytes?: number;
  error?: Omit<TaskError, 'traceback'>;
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
  /** Of the type, as whoever accepted it had loaded it: workers with an older one leave it to others. Absent: any version will do. */
  version?: number;
  args: Json[];
  kwargs: JsonObject;
  queue: string;
  priority: number;
  /** Given by the store: `core/priority.ts`. */
  rank?: number;
  exclusive: string[];
  shared: string[];
  /** Units of counted resources, and the limits that it counts towards; absent where there are none. */
  counted?: Counted[];
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
  /** It had a result, which was dropped when it was old. */
  resultExpired?: true;
  error?: TaskError;
  progress: ProgressReport[];
  createdResources: string[];
  parent?: string;
  root?: string;
  /** Its body waits for these tasks to end, and has given its slot back. */
  awaiting?: string[];
  /** What its lender holds is no obstacle to it, as long as that one has this grant. */
  under?: Lender;
  /** Its grant is lent: it may not start again under it, beside its borrowers. */
  lends?: true;
  group?: string;
  /** Its name in its workflow. */
  node?: string;
  /** What it comes after, by the names that these have in the workflow. */
  after?: { node: string; id: string }[];
  join?: Join;
  schedule?: { id: string; slot: Date };
  /** The task that this one tries once more, at somebody's request. */
  retryOf?: string;
  unique?: Unique;
  /** It is granted when this bucket has a token, after its resources. */
  rate?: Rate;
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

/** Whether it is for the resource manager to grant it something before it may start. */
export function needsResources({ exclusive, shared, counted, rate }: Reservation & Pick<Task, 'rate'>): boolean {
  return exclusive.length + shared.length > 0 || counted !== undefined || rate !== undefined;
}

/** The number that a body of this attempt shows to the outside; only grows, per resource, over attempts and grants. */
export function fenceOf(task: Pick<Task, 'grant' | 'attempt'>): number | undefined {
  return task.grant && task.grant.fence + task.attempt - 1;
}

/** Of a task that has run under another one's reservation: the highest number that it has shown, or had shown by its own children. */
export function lentFenceOf({ under, attempts }: Pick<Task, 'under' | 'attempts'>): { fence?: number } {
  const last = under && Array.isArray(attempts) ? attempts.at(-1) : undefined; // of a record that may be damaged
  if (!last?.grant) return {};
  return { fence: Math.max(last.grant.fence + last.n - 1, last.fence ?? 0) };
}
