import type { Ending, Outcome } from '../../core/outcome.js';
import type { FinalState } from '../../core/state.js';
import { OWN_ENDS } from '../../core/superseded.js';
import type { Attempt, Exit, ProgressReport, Superseded, Task } from '../../core/task.js';
import type { SimulatedDatabase } from './database.js';
import { asJson, changed } from './records.js';
import { isActive, type ActiveTask } from './tasks-start.js';

export function finish(db: SimulatedDatabase, endings: readonly Ending[]): Set<string> {
  const now = db.now();
  return new Set(endings.filter(ending => end(db, ending, now)).map(ending => ending.id));
}

/** Whether the record shows this very end, written now or before. */
function end(db: SimulatedDatabase, { id, token, outcome }: Ending, now: Date): boolean {
  const task = db.tasks.get(id);
  if (!isActive(task, token)) return task !== undefined && shows(task, token, outcome);
  db.tasks.put(ended(task, outcome, now));
  return true;
}

function shows(task: Task, token: string, outcome: Outcome): boolean {
  const attempt = task.attempts.find(each => each.token === token);
  if (!attempt) return false;
  return attempt.reason === startReason(outcome) || (isLoss(outcome) && attempt.reason === task.cancel?.reason);
}

/** No end of the body's own: it gives way to a cancel that came first. */
function isLoss(outcome: Outcome): boolean {
  if (outcome.kind === 'failed') return outcome.reason === 'worker-lost';
  return outcome.kind === 'requeued' || outcome.kind === 'retried' || outcome.kind === 'canceled';
}

function startReason(outcome: Outcome): string {
  return ('reason' in outcome ? outcome.reason : undefined) ?? (outcome.kind === 'retried' ? 'failed' : outcome.kind);
}

/** Of a start that another one follows, or would have. */
function startError(outcome: Outcome): Pick<Attempt, 'error'> {
  if (outcome.kind !== 'retried') return {};
  const { code, message } = outcome.error;
  return { error: { code, message: message.slice(0, 1_024) } };
}

function ended(task: ActiveTask, outcome: Outcome, now: Date): Task {
  const exit = 'exit' in outcome ? outcome.exit : undefined;
  if (task.state === 'canceling' && isLoss(outcome)) {
    const reason = task.cancel!.reason;
    return over(task, { state: 'canceled', reason }, { ...endedStart(task, { reason, exit, now }), ...startError(outcome) });
  }
  const attempt = { ...endedStart(task, { reason: startReason(outcome), exit, now }), ...startError(outcome) };
  switch (outcome.kind) {
    case 'completed':
      return over(task, { state: 'completed', result: asJson(outcome.result) }, attempt);
    case 'failed':
      return over(task, { state: 'failed', error: { ...outcome.error }, reason: outcome.reason }, attempt);
    case 'canceled':
      return over(task, { state: 'canceled', reason: outcome.reason }, attempt);
    case 'skipped':
      return over(task, { state: 'skipped', error: { ...outcome.error } }, attempt);
    case 'retried':
      return retried(task, outcome, attempt);
    case 'requeued':
      return task.lends ? inLineAnew(task, { delayMs: 0, hold: false }, attempt) : queuedAgain(task, attempt);
  }
}

type End = { [K in 'state' | 'reason' | 'result' | 'error']?: Task[K] | undefined } & { state: FinalState };

/** Final: the grant goes away with the state, in one write. */
function over(task: ActiveTask, end: End, attempt: Attempt): Task {
  return changed(task, {
    ...end,
    attempts: [...task.attempts, attempt],
    finishedAt: attempt.finishedAt,
    progress: closed(task.progress, end.state === 'skipped' ? 'canceled' : end.state),
    run: undefined,
    awaiting: undefined,
    lends: undefined,
    grant: undefined,
  });
}

function queuedAgain(task: ActiveTask, attempt: Attempt): Task {
  return changed(task, {
    state: 'waiting',
    waitingFor: 'worker',
    attempts: [...task.attempts, attempt],
    readyAt: attempt.finishedAt,
    startedAt: undefined,
    progress: closed(task.progress, 'canceled'),
    run: undefined,
    awaiting: undefined,
  });
}

function retried(task: ActiveTask, outcome: Extract<Outcome, { kind: 'retried' }>, attempt: Attempt): Task {
  const { code, message } = outcome.error;
  return inLineAnew(task, outcome, { ...attempt, error: { code, message: message.slice(0, 1_024) } });
}

/** Whoever has lent its grant gives it back, too: it starts again behind its borrowers. */
function inLineAnew(task: ActiveTask, { delayMs, hold }: { delayMs: number; hold: boolean }, attempt: Attempt): Task {
  return changed(task, {
    state: 'waiting',
    waitingFor: 'retry',
    dueAt: new Date(attempt.finishedAt.getTime() + delayMs),
    attempts: [...task.attempts, attempt],
    grant: hold && !task.lends ? task.grant : undefined,
    lends: undefined,
    readyAt: undefined,
    startedAt: undefined,
    progress: closed(task.progress, 'failed'),
    run: undefined,
    awaiting: undefined,
  });
}

/** No attempt, so it leaves no trace, unless it is the end of a cancelled task. */
export function giveBack(db: SimulatedDatabase, id: string, token: string): boolean {
  const task = db.tasks.get(id);
  if (!isActive(task, token)) return false;
  if (task.state === 'canceling') {
    const attempt = endedStart(task, { reason: 'given-back', exit: undefined, now: db.now() });
    db.tasks.put(over(task, { state: 'canceled', reason: task.cancel!.reason }, attempt));
  } else {
    const back = { state: 'waiting', waitingFor: 'worker', attempt: task.attempt - 1 } as const;
    const progress = closed(task.progress, 'canceled');
    const grant = task.rate && task.grant && { ...task.grant, begunAt: task.grant.begunAt ?? task.run.at };
    db.tasks.put(
      changed(task, { ...back, progress, startedAt: undefined, run: undefined, awaiting: undefined, ...(grant && { grant }) }),
    );
  }
  return true;
}

export function supersede(
  db: SimulatedDatabase,
  { id, token }: { id: string; token: string },
  { result, ...late }: Omit<Superseded, 'at'>,
): 'kept' | 'open' | 'void' {
  const task = db.tasks.get(id);
  if (task?.run?.token === token) return 'open';
  const attempt = task?.attempts.find(each => each.token === token);
  if (!task || !attempt || OWN_ENDS.includes(attempt.reason)) return 'void';
  if (attempt.superseded) return 'kept';
  const superseded = { ...late, ...(result !== undefined && { result: asJson(result) }), at: db.now() };
  const attempts = task.attempts.map(each => (each === attempt ? { ...each, superseded } : each));
  db.tasks.put(changed(task, { attempts }));
  return 'kept';
}

/** The entry of the ledger: the run and its grant, as the very write that ends them finds them. */
function endedStart({ attempt, run, grant }: ActiveTask, end: { reason: string; exit: Exit | undefined; now: Date }): Attempt {
  const { worker, incarnation, token, at, fence } = run;
  return {
    ...{ n: attempt, worker, incarnation, token, startedAt: at, finishedAt: end.now, reason: end.reason },
    ...(grant ? { grant: { fence: grant.fence, epoch: grant.epoch, ...(grant.begunAt && { begunAt: grant.begunAt }) } } : {}),
    ...(fence !== undefined && { fence }),
    ...(end.exit ? { exit: { ...end.exit } } : {}),
  };
}

/** Reports that the body left open end as its task does. */
function closed(progress: readonly ProgressReport[], state: ProgressReport['state']): ProgressReport[] {
  return progress.map(report => (report.state === 'running' ? { ...report, state } : report));
}
