import { invalid } from '../core/errors.js';
import { DEFAULT_RETRY, type RetryPolicy } from '../core/retry.js';
import type { RetryWish, Seconds, SubmitBody } from '../core/submit-body.js';
import type { NewTask, TimeLimits } from '../core/task.js';
import { secondsOf } from './moment.js';

/** Of a task that may be started again, where nothing else is said. */
const SEVERAL_STARTS = 3;

/** How often a body may be started, and why. Throws VALIDATION_FAILED. */
export function startsOf(submit: SubmitBody): Pick<NewTask, 'maxAttempts' | 'onWorkerLoss' | 'retry'> {
  const { onWorkerLoss = 'cancel' } = submit;
  const retry = submit.retry && policyOf(submit.retry);
  const again = onWorkerLoss === 'requeue' ? 'onWorkerLoss "requeue"' : retry ? 'retry' : undefined;
  const { maxAttempts = again === undefined ? 1 : SEVERAL_STARTS } = submit;
  if (again !== undefined && maxAttempts === 1)
    throw invalid('/maxAttempts', `must be at least 2 with ${again}: the first start counts`, 'number_range');
  return { maxAttempts, onWorkerLoss, ...(retry && { retry }) };
}

function policyOf(wish: RetryWish): RetryPolicy {
  const { delay, maxDelay, ...rest } = wish;
  const { backoff, jitter, holdWhileRetrying: hold } = { ...DEFAULT_RETRY, holdWhileRetrying: DEFAULT_RETRY.hold, ...rest };
  const delayMs = delay === undefined ? DEFAULT_RETRY.delayMs : msOf(delay, '/retry/delay');
  const longest = maxDelay === undefined ? Math.max(delayMs, DEFAULT_RETRY.maxDelayMs) : msOf(maxDelay, '/retry/maxDelay');
  if (longest < delayMs) throw invalid('/retry/maxDelay', 'is shorter than the first delay', 'number_range');
  return { delayMs, backoff, maxDelayMs: longest, jitter, hold };
}

/** How long a body may take. Throws VALIDATION_FAILED for no time at all, and for a soft limit that the hard one forestalls. */
export function limitsOf({ softTimeLimit, timeLimit, stallAfter }: SubmitBody): Pick<NewTask, 'timeLimits'> {
  const limits: TimeLimits = {
    ...(softTimeLimit !== undefined && { softMs: limitOf(softTimeLimit, '/softTimeLimit') }),
    ...(timeLimit !== undefined && { hardMs: limitOf(timeLimit, '/timeLimit') }),
    ...(stallAfter !== undefined && { stallMs: limitOf(stallAfter, '/stallAfter') }),
  };
  if ((limits.softMs ?? 0) >= (limits.hardMs ?? Infinity))
    throw invalid('/softTimeLimit', 'must be shorter than timeLimit, which kills the body', 'number_range');
  return Object.keys(limits).length === 0 ? {} : { timeLimits: limits };
}

function limitOf(value: Seconds, pointer: string): number {
  const ms = msOf(value, pointer);
  if (ms > 0) return ms;
  throw invalid(pointer, 'expected more than 0 seconds', 'number_range');
}

function msOf(value: Seconds, pointer: string): number {
  return Math.round(secondsOf(value, pointer) * 1_000);
}
