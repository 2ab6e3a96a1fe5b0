import type { Json } from './json.js';
import type { EndReason, Exit, Task, TaskError } from './task.js';

/** How one start of a task ended. Handlers' failures are values here; only bugs of our own are exceptions. */
export type Outcome =
  | { kind: 'completed'; result: Json }
  | { kind: 'failed'; error: TaskError; reason?: EndReason; exit?: Exit }
  | { kind: 'canceled'; reason: EndReason; exit?: Exit }
  /** Back to `waiting` for a worker, its grant kept, because the process that ran it was lost. */
  | { kind: 'requeued'; reason: EndReason; exit?: Exit };

/** The write that ends one start: guarded by the token of that start. */
export interface Ending {
  id: string;
  token: string;
  outcome: Outcome;
}

/**
 * What becomes of a task whose worker is gone: queued again where its type allows, until its starts are used up.
 * A task in `canceling` never runs again; the store sees to that in the same write (its state may change until then).
 */
export function outcomeOfLoss(task: Pick<Task, 'attempt' | 'maxAttempts' | 'onWorkerLoss'>): Outcome {
  if (task.onWorkerLoss === 'cancel') return { kind: 'canceled', reason: 'worker-lost' };
  if (task.attempt < task.maxAttempts) return { kind: 'requeued', reason: 'worker-lost' };
  const message = `The worker was lost during each of its ${task.maxAttempts} starts; it will not be started again.`;
  return { kind: 'failed', error: { code: 'POISONED', message }, reason: 'worker-lost' };
}

/** What becomes of a task that a stopping worker cut off: as a loss, but nobody calls it poisoned. */
export function outcomeOfShutdown(task: Pick<Task, 'attempt' | 'maxAttempts' | 'onWorkerLoss'>): Outcome {
  const again = task.onWorkerLoss === 'requeue' && task.attempt < task.maxAttempts;
  return { kind: again ? 'requeued' : 'canceled', reason: 'worker-shutdown' };
}
