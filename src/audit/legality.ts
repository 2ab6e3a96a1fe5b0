import { isFinal } from '../core/state.js';
import { needsResources, type Attempt } from '../core/task.js';
import { spanText, timeText, type Rule } from './finding.js';
import type { AuditedTask } from './record.js';

const DAMAGED_RECORD = 'DAMAGED_RECORD';
/** The end of a task that could never have gone on: no start, and no cancel. */
const DEADLOCK = 'DEADLOCK';

export interface Contradiction {
  rule: Rule;
  evidence: string;
}

/**
 * The server reads its clock when a command arrives; what keeps the command waiting then, at most its limit of 8 s, is not in the time that
 * it writes. Only a cancel or an expiry can cross another write that way: starts and ends are sent after what they build on was read.
 */
const CROSSING_MS = 10_000;

/** What one record says against itself: no move of `core/state.ts` leads there. */
export function contradictionsOf(task: AuditedTask, clockStepMs: number): Contradiction[] {
  // Whatever spoiled it is known; its end was written over what was left of it.
  if (task.state === 'failed' && task.error?.code === DAMAGED_RECORD) return [];
  const illegal = (evidence: string): Contradiction => ({ rule: 'illegal', evidence: `Task ${task.id} ${evidence}.` });
  return [
    ...misfits(task).map(illegal),
    ...brokenCount(task).map(illegal),
    ...brokenOrder(task, clockStepMs).map(illegal),
    ...againstPolicy(task).map(illegal),
    ...tooManyStarts(task).map((evidence): Contradiction => ({ rule: 'doubled', evidence: `Task ${task.id} ${evidence}.` })),
    ...afterCancel(task, clockStepMs),
  ];
}

type Law = [broken: boolean, evidence: string];

/** Fields that do not belong to the state, or are missing in it. */
function misfits(task: AuditedTask): string[] {
  const { state } = task;
  const laws: Law[] = isFinal(state) ? ofFinal(task) : state === 'waiting' ? ofWaiting(task) : ofRunning(task);
  return laws.filter(([broken]) => broken).map(([, evidence]) => `is ${state} and ${evidence}`);
}

function ofFinal({ state, run, awaiting, grant, waitingFor, dueAt, finishedAt, error, reason, attempts }: AuditedTask): Law[] {
  const completed = attempts.at(-1)?.reason === 'completed';
  return [
    [run !== undefined, `still names a run on ${run?.worker ?? ''}`],
    [grant !== undefined, `still holds its grant (fence ${grant?.fence ?? 0})`],
    [waitingFor !== undefined, `still waits for ${waitingFor ?? ''}`],
    [dueAt !== undefined, 'is still due at some time'],
    [finishedAt === undefined, 'has no finishedAt'],
    [state === 'failed' && error === undefined, 'has no error'],
    [state !== 'failed' && state !== 'skipped' && error !== undefined, `has the error ${error?.code ?? ''}`],
    [state === 'canceled' && reason === undefined, 'gives no reason'],
    [(state === 'completed' || (state === 'failed' && error?.code !== DEADLOCK)) && attempts.length === 0, 'was never started'],
    [awaiting !== undefined, 'still waits for other tasks'],
    [state === 'completed' && attempts.length > 0 && !completed, 'its last start did not complete'],
    [state !== 'completed' && completed, 'its last start completed'],
  ];
}

function ofWaiting(task: AuditedTask): Law[] {
  const { waitingFor, grant, dueAt, cancel, readyAt } = task;
  const reserved = needsResources(task);
  const delayed = waitingFor === 'delay' || waitingFor === 'retry';
  const mayBeDelayed = delayed || waitingFor === 'dependencies'; // its delay may come after them
  return [
    [waitingFor === undefined, 'does not say what for'],
    [cancel !== undefined, 'was cancelled: it should be final'],
    [delayed && dueAt === undefined, `waits for ${waitingFor ?? ''} without a dueAt`],
    [!mayBeDelayed && dueAt !== undefined, `waits for ${waitingFor ?? ''} with a dueAt`],
    [waitingFor === 'resources' && !reserved, 'waits for resources of which it needs none'],
    [waitingFor === 'resources' && grant !== undefined, 'waits for resources that were granted to it'],
    [waitingFor === 'worker' && reserved && grant === undefined, 'may start although no grant gives it its resources'],
    [waitingFor === 'worker' && readyAt === undefined, 'may start but has no readyAt'],
    [waitingFor === 'delay' && grant !== undefined, 'waits for a delay with a grant'],
    [grant !== undefined && !reserved, `holds a grant (fence ${grant?.fence ?? 0}) but reserves nothing`],
    ...notBegun(task),
  ];
}

function ofRunning(task: AuditedTask): Law[] {
  const { state, run, waitingFor, grant, cancel, startedAt } = task;
  const reserved = needsResources(task);
  return [
    [run === undefined, 'names no run'],
    [startedAt === undefined, 'has no startedAt'],
    [waitingFor !== undefined, `waits for ${waitingFor ?? ''}`],
    [reserved && grant === undefined, 'has no grant for its resources'],
    [!reserved && grant !== undefined, `holds a grant (fence ${grant?.fence ?? 0}) but reserves nothing`],
    [state === 'running' && cancel !== undefined, 'was cancelled: it should be canceling'],
    [state === 'canceling' && cancel === undefined, 'nobody cancelled it'],
    ...notEnded(task),
  ];
}

function notBegun(task: AuditedTask): Law[] {
  const { run, startedAt, awaiting } = task;
  return [
    [run !== undefined, `names a run on ${run?.worker ?? ''}`],
    [startedAt !== undefined, 'has a startedAt'],
    [awaiting !== undefined, 'waits for other tasks although it does not run'],
    ...notEnded(task),
  ];
}

function notEnded({ finishedAt, error, reason }: AuditedTask): Law[] {
  return [
    [finishedAt !== undefined, 'has a finishedAt'],
    [error !== undefined, 'has an error'],
    [reason !== undefined, `gives the reason ${reason ?? ''} of an end`],
  ];
}

/** `attempts[]` holds every start that has ended, numbered from 1; a run is one more. */
function brokenCount({ attempt, attempts, run, ...task }: AuditedTask): string[] {
  const gap = attempts.findIndex((each, index) => each.n !== index + 1);
  const expected = attempts.length + (run && !isFinal(task.state) ? 1 : 0);
  const bare = needsResources(task) ? attempts.find(each => !each.grant) : undefined;
  const paid = needsResources(task) ? undefined : attempts.find(each => each.grant);
  const laws: Law[] = [
    [gap >= 0, `has start ${attempts[gap]?.n ?? 0} where start ${gap + 1} should stand`],
    [attempt !== expected, `counts ${attempt} starts, but its record shows ${expected}`],
    [bare !== undefined, `made start ${bare?.n ?? 0} on ${bare?.worker ?? ''} without a grant for its resources`],
    [paid !== undefined, `made start ${paid?.n ?? 0} with a grant (fence ${paid?.grant?.fence ?? 0}) but reserves nothing`],
  ];
  return laws.filter(([broken]) => broken).map(([, evidence]) => evidence);
}

function tooManyStarts({ attempt, attempts, maxAttempts, onWorkerLoss, run, state }: AuditedTask): string[] {
  const starts = Math.max(attempt, attempts.length + (run ? 1 : 0));
  const followed = isFinal(state) ? attempts.slice(0, -1) : attempts;
  const again = followed.find(each => each.reason === 'completed');
  const lost = onWorkerLoss === 'cancel' && followed.find(each => isLoss(each));
  const laws: Law[] = [
    [starts > maxAttempts, `was started ${starts} times, at most ${maxAttempts} are allowed`],
    [again !== undefined, `was queued again after start ${again?.n ?? 0} had completed on ${again?.worker ?? ''}`],
    [
      Boolean(lost),
      `was queued again after start ${lost ? lost.n : 0} (${lost ? lost.reason : ''}), which its type does not allow`,
    ],
  ];
  return laws.filter(([broken]) => broken).map(([, evidence]) => evidence);
}

/** What a type wants to happen when its worker is lost, and what did. A cancel may still come while it waits for another start. */
function againstPolicy({ state, attempts, maxAttempts, onWorkerLoss, error, ...task }: AuditedTask): string[] {
  const last = attempts.at(-1);
  const startsLeft = maxAttempts - attempts.length;
  const endedTogether =
    last !== undefined && task.reason === last.reason && task.finishedAt?.getTime() === last.finishedAt.getTime();
  const laws: Law[] = [
    [
      state === 'canceled' && endedTogether && isLoss(last) && onWorkerLoss === 'requeue' && startsLeft > 0,
      `ended with start ${last?.n ?? 0} (${last?.reason ?? ''}), although its type lets it run again and ${startsLeft} of ${maxAttempts} starts were left`,
    ],
    [
      error?.code === 'POISONED' && last?.reason === 'worker-lost' && (onWorkerLoss === 'cancel' || startsLeft > 0),
      `is called poisoned after ${attempts.length} of ${maxAttempts} starts, with the policy ${onWorkerLoss}`,
    ],
  ];
  return laws.filter(([broken]) => broken).map(([, evidence]) => evidence);
}

function isLoss({ reason }: Attempt): boolean {
  return reason === 'worker-lost' || reason === 'worker-shutdown';
}

interface Moment {
  what: string;
  at: number;
}

/** The times of a record in the order in which they were written. A clock that was set forward keeps it. */
function brokenOrder(task: AuditedTask, clockStepMs: number): string[] {
  const moments: Moment[] = [{ what: 'was accepted', at: task.createdAt.getTime() }];
  for (const { n, startedAt, finishedAt } of task.attempts) {
    moments.push({ what: `began start ${n}`, at: startedAt.getTime() }, { what: `ended start ${n}`, at: finishedAt.getTime() });
  }
  if (task.run) moments.push({ what: `began start ${task.attempt}`, at: task.run.at.getTime() });
  const broken = backwards(moments, clockStepMs);
  const [last] = moments.slice(-1);
  const endedAt = task.finishedAt?.getTime();
  if (last && endedAt !== undefined && endedAt < last.at - CROSSING_MS - clockStepMs) {
    broken.push(`ended at ${timeText(endedAt)}, ${spanText(last.at - endedAt)} before it ${last.what}`);
  }
  const { grant, run } = task;
  if (grant && run) {
    const granted = { what: 'was granted its resources', at: grant.at.getTime() };
    if (!task.attempts.some(each => each.grant?.fence === grant.fence))
      broken.push(...backwards([granted, { what: `began start ${task.attempt}`, at: run.at.getTime() }], clockStepMs));
  }
  return broken;
}

function backwards(moments: readonly Moment[], clockStepMs: number): string[] {
  return moments.flatMap(({ what, at }, index) => {
    const before = moments[index - 1];
    if (!before || at >= before.at - clockStepMs) return [];
    return [`${what} at ${timeText(at)}, ${spanText(before.at - at)} before it ${before.what}`];
  });
}

/** No start is made once the cancel stands in the record. */
function afterCancel({ id, cancel, attempts, run, attempt }: AuditedTask, clockStepMs: number): Contradiction[] {
  if (!cancel) return [];
  const starts = [...attempts, ...(run ? [{ n: attempt, startedAt: run.at, worker: run.worker }] : [])];
  const limit = cancel.at.getTime() + CROSSING_MS + clockStepMs;
  const late = starts.find(each => each.startedAt.getTime() > limit);
  if (!late) return [];
  const evidence = `Task ${id} was cancelled by ${cancel.by} at ${timeText(cancel.at.getTime())}, yet start ${late.n} began on ${late.worker} at ${timeText(late.startedAt.getTime())}.`;
  return [{ rule: 'cancel-ignored', evidence }];
}
