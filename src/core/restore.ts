import { rankOf } from './priority.js';
import { needsResources, type Attempt, type Task } from './task.js';

/** How a restored database differs from the one that was backed up. */
export interface Restoration {
  /** Server time of the restore. */
  at: Date;
  /** Queue again what may run again by its type, instead of canceling it. */
  requeue: boolean;
  /** Added to the number of what is queued again: above all that were ever given, in the old order. */
  seqShift: number;
}

/** Numbers that are given once in the life of a deployment, and how far that has come. */
export interface Given {
  seq: number;
  fence: number;
  epoch: number;
  generation: number;
}

/**
 * So many acceptance numbers and fences are taken to have been given in a second since the cut. What was given then stands nowhere any more, but sinks
 * outside keep the highest fence that they have seen. The busiest deployment measured gives some thousands a second; at this rate the numbers that a
 * double holds last for 285 years.
 */
const GIVEN_PER_SECOND = 1_000_000;
/** By how much the clock of the server of today may be behind the one of the cut. */
const CLOCK_MARGIN_S = 60;

/** Beyond whatever a deployment with these numbers at the cut can have given until now; so each restore of one backup goes further than the last. */
export function beyond(given: Given, cutAt: Date, now: Date): Given {
  const seconds = Math.max(0, Math.ceil((now.getTime() - cutAt.getTime()) / 1_000)) + CLOCK_MARGIN_S;
  return {
    seq: given.seq + seconds * GIVEN_PER_SECOND,
    fence: given.fence + seconds * GIVEN_PER_SECOND,
    epoch: given.epoch + seconds, // nobody comes to lead more than once a second
    generation: given.generation + 1,
  };
}

/** The higher of each. */
export function highest(a: Given, b: Given): Given {
  return {
    seq: Math.max(a.seq, b.seq),
    fence: Math.max(a.fence, b.fence),
    epoch: Math.max(a.epoch, b.epoch),
    generation: Math.max(a.generation, b.generation),
  };
}

/** What of a record a restore looks at. */
export type Open = Pick<
  Task,
  | 'seq'
  | 'rank'
  | 'priority'
  | 'state'
  | 'waitingFor'
  | 'grant'
  | 'awaiting'
  | 'under'
  | 'lends'
  | 'attempt'
  | 'maxAttempts'
  | 'onWorkerLoss'
  | 'run'
  | 'attempts'
  | 'cancel'
  | 'dueAt'
  | 'exclusive'
  | 'shared'
  | 'progress'
  | 'readyAt'
  | 'startedAt'
  | 'finishedAt'
  | 'reason'
> & { uniqueKey?: string };

/**
 * A task that was not final at the cut. Nobody knows how far it came afterwards, so it ends, unless its type may run again and the operator says so. Of
 * a record that is `damaged` only the end is sure.
 */
export function restoredTask<T extends Open>(task: T, how: Restoration, damaged = false): T {
  const stopped = withoutRun(task, how.at);
  return how.requeue && !damaged && mayRunAgain(stopped) ? queuedAgain(stopped, how) : canceled(stopped, how.at);
}

/** A start that was under way at the cut has ended; when, nobody knows, at the latest now. */
function withoutRun<T extends Open>(task: T, at: Date): T {
  const { run, grant } = task;
  const stopped = without(task, 'run', 'grant', 'awaiting', 'under', 'lends');
  if (Array.isArray(task.progress)) stopped.progress = task.progress.map(closed);
  if (!run) return stopped;
  const held = grant && { grant: { fence: grant.fence, epoch: grant.epoch } };
  const { worker, incarnation, token, at: startedAt } = run;
  const ended: Attempt = { n: task.attempt, worker, incarnation, token, ...held, startedAt, finishedAt: at, reason: RESTORED };
  return { ...stopped, attempts: [...(Array.isArray(task.attempts) ? task.attempts : []), ended] };
}

const RESTORED = 'restored';

function closed<T extends Open['progress'][number] | null>(report: T): T {
  return report?.state === 'running' ? { ...report, state: 'canceled' } : report;
}

function mayRunAgain({ state, onWorkerLoss, attempt, maxAttempts }: Open): boolean {
  return onWorkerLoss === 'requeue' && (state === 'waiting' || state === 'running') && attempt < maxAttempts;
}

function canceled<T extends Open>(task: T, at: Date): T {
  const cancel = task.cancel ?? { at, by: 'restore', reason: RESTORED };
  const over = { state: 'canceled', reason: RESTORED, cancel, finishedAt: at } as const;
  return { ...without(task, 'waitingFor', 'dueAt', 'uniqueKey'), ...over };
}

/** It holds nothing any more; what it waited for besides resources, it still waits for. */
function queuedAgain<T extends Open>(task: T, { at, seqShift }: Restoration): T {
  const waits = { ...without(task, 'startedAt', 'readyAt'), state: 'waiting' as const, seq: task.seq + seqShift };
  if (task.waitingFor === 'delay' || task.waitingFor === 'retry' || task.waitingFor === 'dependencies') return waits;
  const waitingFor = needsResources(task) ? ('resources' as const) : ('worker' as const);
  return { ...waits, waitingFor, readyAt: at, rank: rankOf(task.priority, at) };
}

function without<T extends Open>(task: T, ...fields: (keyof Open)[]): T {
  return Object.fromEntries(Object.entries(task).filter(([field]) => !fields.includes(field as keyof Open))) as T;
}
