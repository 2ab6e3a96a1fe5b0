import type { Outcome } from '../../core/outcome.js';
import type { EndReason } from '../../core/task.js';
import { CHILD_WAIT_MS } from './pool-options.js';

/** How a start has ended that no child has begun: it was canceled, its pool stopped, it waited too long (`late`), or its worker was lost. */
export function outcomeOfWait(wait: { canceled: EndReason | undefined; stopped: boolean; late: boolean }): Outcome {
  if (wait.canceled !== undefined) return { kind: 'canceled', reason: wait.canceled };
  if (wait.stopped) return { kind: 'canceled', reason: 'worker-shutdown' };
  if (!wait.late) return { kind: 'canceled', reason: 'worker-lost' };
  const message = `No child process could be started within ${CHILD_WAIT_MS / 1_000} s; the worker's log says why.`;
  return { kind: 'failed', error: { code: 'CHILD_DIED', message } };
}
