import type { Outcome } from '../core/outcome.js';
import type { TaskError } from '../core/task.js';
import { runAs, type Submitter } from './current.js';
import type { TaskContext } from './context.js';
import type { ErrorMatch, TaskDefinition } from './definition.js';
import type { CheckedInput } from './input.js';
import { encodeResult } from './result.js';
import { verdictOf } from './verdicts.js';

const MAX_MESSAGE = 4 * 1024;
const MAX_TRACEBACK = 8 * 1024;

/** Calls the handler, as the current task. A plain function gets its args, then the kwargs if there are any. */
export async function callHandler(
  definition: TaskDefinition,
  checked: CheckedInput,
  context: TaskContext,
  submit: Submitter,
): Promise<unknown> {
  const handler = definition.handler as (...args: unknown[]) => unknown;
  const { args, kwargs, input } = checked;
  const given = definition.plain ? [...args, ...(Object.keys(kwargs).length > 0 ? [kwargs] : [])] : [input, context];
  return runAs(context, submitAsChild(context, submit), () => Promise.resolve(handler(...given)));
}

/** How a body that returned has ended. What cannot be kept of it now could not be kept after another start either. */
export function outcomeOfReturn(value: unknown, limitBytes: number): Outcome {
  const encoded = encodeResult(value, limitBytes);
  if ('error' in encoded) return { kind: 'failed', error: encoded.error, again: 'never' };
  return { kind: 'completed', result: encoded.result };
}

/** How a body that threw has ended. */
export function outcomeOfThrow(thrown: unknown, definition: Pick<TaskDefinition, 'retryOn' | 'noRetryOn'>): Outcome {
  const error = errorOf(thrown);
  const verdict = verdictOf(thrown);
  switch (verdict?.kind) {
    case 'skip':
      return { kind: 'skipped', error: { code: 'SKIPPED', message: error.message } };
    case 'retry-later':
      return { kind: 'failed', error, again: { afterMs: Math.round(verdict.seconds * 1_000) } };
    case 'fatal':
      return { kind: 'failed', error, again: 'never' };
    default:
      return mayRetry(thrown, definition) ? { kind: 'failed', error } : { kind: 'failed', error, again: 'never' };
  }
}

function mayRetry(thrown: unknown, { retryOn, noRetryOn }: Pick<TaskDefinition, 'retryOn' | 'noRetryOn'>): boolean {
  if (noRetryOn?.some(match => matches(thrown, match))) return false;
  return retryOn === undefined || retryOn.some(match => matches(thrown, match));
}

/** A class matches its instances. A function of the user's own that throws matches nothing. */
function matches(thrown: unknown, match: ErrorMatch): boolean {
  try {
    if (isClass(match)) return thrown instanceof match;
    return match(thrown);
  } catch {
    return false;
  }
}

function isClass(match: ErrorMatch): match is Extract<ErrorMatch, abstract new (...args: never[]) => unknown> {
  // Built-in errors can be called like functions, and would then give an object, which is true.
  return match === Error || match.prototype instanceof Error || Function.prototype.toString.call(match).startsWith('class');
}

/** What is kept of something thrown: its `code` where that is a short constant, and bounded texts. Never throws itself. */
export function errorOf(thrown: unknown): TaskError {
  try {
    if (!(thrown instanceof Error))
      return { code: 'TASK_ERROR', message: bounded(`The task threw ${String(thrown)}`, MAX_MESSAGE) };
    const { code } = thrown as { code?: unknown };
    const known = typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code);
    const error: TaskError = {
      code: known ? code : 'TASK_ERROR',
      message: bounded(thrown.message, MAX_MESSAGE),
    };
    return typeof thrown.stack === 'string' ? { ...error, traceback: bounded(thrown.stack, MAX_TRACEBACK) } : error;
  } catch {
    return { code: 'TASK_ERROR', message: 'The task threw something that cannot be shown.' }; // a getter or toString that throws
  }
}

/** Cut to a number of UTF-8 bytes. */
export function bounded(text: string, bytes: number): string {
  const buffer = Buffer.from(text);
  return buffer.length <= bytes
    ? text
    : `${buffer
        .subarray(0, bytes - 4)
        .toString()
        .replace(/\uFFFD$/, '')}…`;
}

function submitAsChild(context: TaskContext, submit: Submitter): Submitter {
  return (body, how) => submit({ parent: context.id, ...body }, how);
}
