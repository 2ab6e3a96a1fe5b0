import { ApiError, TaskCanceled, TaskFailed, TaskTimeout, Unreachable } from '../client/errors.js';
import { ConfigError } from '../config/config-error.js';
import { InterlockError, SchemaMismatch, StoreError } from '../core/errors.js';

/** What a script can tell from the end of a command. */
export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  taskFailed: 3,
  taskCanceled: 4,
  timedOut: 5,
  unreachable: 6,
  badConfiguration: 78, // EX_CONFIG of sysexits.h; the systemd units do not restart after it
} as const;

/** A command line that makes no sense, beyond what commander finds. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** What was waited for did not come in time. */
export class TimedOut extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TimedOut';
  }
}

export interface Failure {
  code: number;
  /** Lines for standard error, without a stack unless it is a bug. */
  lines: string[];
}

/** How a command that threw ends. */
export function failureOf(error: unknown): Failure {
  if (error instanceof UsageError) return { code: EXIT.usage, lines: [`error: ${error.message}`] };
  if (error instanceof ConfigError) return { code: EXIT.badConfiguration, lines: [error.message] };
  if (error instanceof SchemaMismatch) return { code: EXIT.badConfiguration, lines: refusal(error) };
  if (error instanceof TaskFailed) return { code: EXIT.taskFailed, lines: [error.message] };
  if (error instanceof TaskCanceled) return { code: EXIT.taskCanceled, lines: [error.message] };
  if (error instanceof TaskTimeout || error instanceof TimedOut) return { code: EXIT.timedOut, lines: [error.message] };
  if (error instanceof Unreachable) {
    const advice = 'Start everything with `interlock dev`, or say where the API is with INTERLOCK_URL or --url.';
    return { code: EXIT.unreachable, lines: [error.message, advice] };
  }
  if (error instanceof StoreError) return { code: EXIT.unreachable, lines: [`${error.message} (${error.code})`] };
  if (error instanceof InterlockError) return { code: EXIT.error, lines: refusal(error) };
  return { code: EXIT.error, lines: [error instanceof Error ? (error.stack ?? error.message) : String(error)] };
}

function refusal(error: InterlockError): string[] {
  const lines = [`${error.message} (${error.code})`];
  for (const { pointer, detail } of error.errors)
    if (!error.message.includes(detail)) lines.push(`  ${pointer || 'body'}: ${detail}`);
  if (error.code === 'UNAUTHORIZED') lines.push('Give a token in INTERLOCK_TOKEN.');
  if (error instanceof ApiError && error.requestId !== undefined) lines.push(`  request ${error.requestId}`);
  return lines;
}
