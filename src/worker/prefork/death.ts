import type { Outcome } from '../../core/outcome.js';
import type { EndReason, Exit } from '../../core/task.js';

/** Why a child was ended, where somebody meant it to end; undefined: it died by itself. */
export type Cause =
  /** Its deadline passed, or the worker lost its registration. */
  | { kind: 'worker-lost' }
  | { kind: 'stop' }
  | { kind: 'memory'; limitMiB: number }
  | { kind: 'breach'; what: string }
  /** No fault: used up, or not safe to use again. */
  | { kind: 'retired' };

/** How the task of a dead child has ended. */
export function outcomeOfDeath(cause: Cause | undefined, canceled: EndReason | undefined, exit: Exit, tail: string): Outcome {
  if (cause?.kind === 'worker-lost') return { kind: 'canceled', reason: 'worker-lost', exit };
  if (canceled !== undefined) return { kind: 'canceled', reason: canceled, exit };
  if (cause?.kind === 'stop') return { kind: 'canceled', reason: 'worker-shutdown', exit };
  const said = tail === '' ? '' : ` Its last words:\n${tail}`;
  return { kind: 'failed', error: { code: 'CHILD_DIED', message: `${describe(cause, exit)}${said}` }, exit };
}

function describe(cause: Cause | undefined, exit: Exit): string {
  if (cause?.kind === 'memory') return `The child process was killed: it used more than ${cause.limitMiB} MiB of memory.`;
  if (cause?.kind === 'breach') return `The child process was killed: ${cause.what}.`;
  if (exit.signal !== null) return `The child process was ended by ${exit.signal}.`;
  return `The child process exited with status ${exit.code ?? 'unknown'} before the task had ended.`;
}
