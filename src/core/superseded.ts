import type { Outcome } from './outcome.js';
import type { Superseded, TaskError } from './task.js';

/** A task may have a thousand starts: what is kept of each must not fill its record (16 MiB). */
const MAX_RESULT_BYTES = 4_096;
const MAX_MESSAGE = 1_024;

/** How starts end whose body came to an end of its own, in the words of `attempts[].reason`: such an end counts, and supersedes nothing. */
export const OWN_ENDS: readonly string[] = ['completed', 'failed', 'skipped', 'timeout'];

/** What is kept of an outcome that comes too late. Undefined where the body did not get to an end of its own. */
export function supersededBy(outcome: Outcome): Omit<Superseded, 'at'> | undefined {
  switch (outcome.kind) {
    case 'completed': {
      const resultBytes = Buffer.byteLength(JSON.stringify(outcome.result));
      return { kind: 'completed', resultBytes, ...(resultBytes <= MAX_RESULT_BYTES && { result: outcome.result }) };
    }
    case 'failed':
      return outcome.reason === 'worker-lost' ? undefined : { kind: 'failed', error: short(outcome.error) };
    case 'retried':
      return { kind: 'failed', error: short(outcome.error) };
    case 'skipped':
      return { kind: 'skipped', error: short(outcome.error) };
    case 'canceled':
    case 'requeued':
      return undefined;
  }
}

function short({ code, message }: Omit<TaskError, 'traceback'>): Omit<TaskError, 'traceback'> {
  return { code, message: message.slice(0, MAX_MESSAGE) };
}
