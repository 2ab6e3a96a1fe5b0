import type { Outcome } from '../../core/outcome.js';
import type { EndReason, Exit, TaskError } from '../../core/task.js';

/** Why a child was ended, where somebody meant it to end; undefined: it died by itself. */
export type Cause =
  /** Its deadline passed, or the worker lost its registration. */
  | { kind: 'worker-lost' }
  | { kind: 'stop' }
  | { kind: 'memory'; limitMiB: number }
  | { kind: 'breach'; what: string }
  /** It had not been heard of for so long that its tasks were given up. */
  | { kind: 'silent' }
  /** No fault: used up, or not safe to use again. */
  | { kind: 'retired' };

export interface Death {
  cause: Cause | undefined;
  exit: Exit;
  /** The last that was printed. */
  tail: string;
  /** It ran nothing. */
  idle: boolean;
}

/** One start that a dead child had not ended. */
export interface CutOff {
  canceled: EndReason | undefined;
  /** What it did, where it is known to have been this one. */
  fault: TaskError | undefined;
  /** The limit for which it was ended. */
  overtime: TaskError | undefined;
  /** It ended its child, or nothing else ran there that could be to blame. */
  suspect: boolean;
}

/** How a start has ended whose child is dead. One that was cut off by the fault of another is lost, not failed. */
export function outcomeOfDeath(
  { cause, exit, tail }: Omit<Death, 'idle'>,
  { canceled, fault, overtime, suspect }: CutOff,
): Outcome {
  if (cause?.kind === 'worker-lost') return { kind: 'canceled', reason: 'worker-lost', exit };
  if (canceled !== undefined) return { kind: 'canceled', reason: canceled, exit };
  if (overtime) return { kind: 'failed', error: overtime, reason: 'timeout', exit };
  if (cause?.kind === 'stop') return { kind: 'canceled', reason: 'worker-shutdown', exit };
  if (fault) return { kind: 'failed', error: fault, exit };
  if (!suspect) return { kind: 'canceled', reason: 'worker-lost', exit };
  const said = tail === '' ? '' : ` Its last words:\n${tail}`;
  return { kind: 'failed', error: { code: 'CHILD_DIED', message: `${describe(cause, exit)}${said}` }, exit };
}

function describe(cause: Cause | undefined, exit: Exit): string {
  if (cause?.kind === 'memory') return `The child process was killed: it used more than ${cause.limitMiB} MiB of memory.`;
  if (cause?.kind === 'breach') return `The child process was killed: ${cause.what}.`;
  if (cause?.kind === 'silent') return 'The child process was killed: it had stopped, or the task had kept it busy for too long.';
  if (exit.signal !== null) return `The child process was ended by ${exit.signal}.`;
  return `The child process exited with status ${exit.code ?? 'unknown'} before the task had ended.`;
}
