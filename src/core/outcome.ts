import type { Json } from './json.js';
import { DEFAULT_RETRY, retryDelayMs } from './retry.js';
import type { EndReason, Exit, Task, TaskError } from './task.js';

/** How one start of a task ended. Handlers' failures are values here; only bugs of our own are exceptions. */
export type Outcome =
  | { kind: 'completed'; result: Json }
  | { kind: 'failed'; error: TaskError; reason?: EndReason; exit?: Exit; again?: Again }
  /** Back to `waiting` until its delay is over: its body failed, and may be started again. Without its grant, unless `hold` says so. */
  | { kind: 'retried'; error: TaskError; delayMs: number; hold: boolean; reason?: EndReason; exit?: Exit }
  /** The body found that there is nothing to do. */
  | { kind: 'skipped'; error: TaskError }
  | { kind: 'canceled'; reason: EndReason; exit?: Exit }
  /** Back to `waiting` for a worker, its grant kept, because the process that ran it was lost. */
  | { kind: 'requeued'; reason: EndReason; exit?: Exit };

/** What a body that failed says of another start: after so many milliseconds, or none. Where it says nothing, the task's policy decides. */
export type Again = { afterMs: number } | 'never';

/** The write that ends one start: guarded by the token of that start. */
export interface Ending {
  id: string;
  token: string;
  outcome: Outcome;
}

type Cut = Pick<Task, 'attempt' | 'maxAttempts' | 'onWorkerLoss'>;

/** An error tells the last starts only; `attempts[]` has all of them, up to a thousand. */
const STARTS_TOLD = 10;

/**
 * What becomes of a task whose worker is gone: queued again where its type allows, until its starts are used up. `exit` says how its child
 * ended, where its supervisor lived to see it. A task in `canceling` never runs again; the store sees to that in the same write (its state
 * may change until then).
 */
export function outcomeOfLoss(task: Cut & Pick<Task, 'attempts' | 'run'>, exit?: Exit): Outcome {
  const end = { reason: 'worker-lost', ...(exit && { exit }) } as const;
  if (task.onWorkerLoss === 'cancel') return { kind: 'canceled', ...end };
  if (task.attempt < task.maxAttempts) return { kind: 'requeued', ...end };
  return { kind: 'failed', error: { code: 'POISONED', message: poisoned(task, exit) }, ...end };
}

/** What becomes of a task that a stopping worker cut off: as a loss, but nobody calls it poisoned. */
export function outcomeOfShutdown(task: Cut, exit?: Exit): Outcome {
  const again = task.onWorkerLoss === 'requeue' && task.attempt < task.maxAttempts;
  return { kind: again ? 'requeued' : 'canceled', reason: 'worker-shutdown', ...(exit && { exit }) };
}

/** What becomes of a task whose body failed: tried again where its policy, or the body itself, wants it, until its starts are used up. */
export function outcomeOfFailure(
  { attempt, maxAttempts, retry }: Pick<Task, 'attempt' | 'maxAttempts' | 'retry'>,
  failure: Extract<Outcome, { kind: 'failed' }>,
  uniform: () => number,
): Outcome {
  const { again, ...failed } = failure;
  if (again === 'never' || attempt >= maxAttempts || (!again && !retry)) return failed;
  const delayMs = again?.afterMs ?? retryDelayMs(retry ?? DEFAULT_RETRY, attempt, uniform);
  return { ...failed, kind: 'retried', delayMs, hold: retry?.hold ?? false };
}

function poisoned({ attempt, attempts, run }: Cut & Pick<Task, 'attempts' | 'run'>, exit: Exit | undefined): string {
  const last = { n: attempt, worker: run?.worker ?? 'its worker', reason: 'worker-lost', ...(exit && { exit }) };
  const told = [...attempts, last].slice(-STARTS_TOLD).map(start => {
    return `start ${start.n} on ${start.worker}: ${start.reason}${start.exit ? ` (${named(start.exit)})` : ''}`;
  });
  const earlier = attempt > told.length ? ', the last of them' : '';
  return `It was started ${attempt} times and never came to an end of its own, so it is not started again${earlier}: ${told.join('; ')}.`;
}

function named({ code, signal }: Exit): string {
  return signal ?? `status ${code ?? 'unknown'}`;
}
