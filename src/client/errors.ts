import { ERROR_STATUS, InterlockError, MissingResource, type ErrorCode, type FieldError } from '../core/errors.js';
import type { TaskView } from './views.js';

/** The API did not answer at all, or something else did. What was asked may have happened or not. */
export class Unreachable extends Error {
  readonly url: string;

  constructor(url: string, why: string, cause?: unknown) {
    super(`Cannot reach Interlock at ${url}: ${why}.`, cause === undefined ? undefined : { cause });
    this.name = 'Unreachable';
    this.url = url;
  }
}

/** The task ended as `failed`; `code` and `traceback` are those of its error. */
export class TaskFailed extends Error {
  readonly task: TaskView;
  readonly code: string;
  readonly traceback: string | undefined;

  constructor(task: TaskView) {
    super(`Task ${task.id} (${task.name}) failed: ${task.error?.message ?? 'without a message'}`);
    this.name = 'TaskFailed';
    this.task = task;
    this.code = task.error?.code ?? 'TASK_ERROR';
    this.traceback = task.error?.traceback ?? undefined;
  }
}

/** The task ended as `canceled` or `skipped`; `reason` says why. */
export class TaskCanceled extends Error {
  readonly task: TaskView;
  readonly reason: string;

  constructor(task: TaskView) {
    super(`Task ${task.id} (${task.name}) was ${task.state} (${task.reason ?? 'no reason given'}).`);
    this.name = 'TaskCanceled';
    this.task = task;
    this.reason = task.reason ?? '';
  }
}

/** The task completed so long ago that its result is not kept any more. */
export class ResultExpired extends Error {
  readonly task: TaskView;

  constructor(task: TaskView) {
    super(`Task ${task.id} (${task.name}) completed at ${task.finishedAt ?? ''}; its result is not kept any more.`);
    this.name = 'ResultExpired';
    this.task = task;
  }
}

/** The task had not ended when the wait was over; it goes on. */
export class TaskTimeout extends Error {
  readonly taskId: string;

  constructor(taskId: string, seconds: number) {
    super(`Task ${taskId} had not ended after ${seconds} s; it goes on.`);
    this.name = 'TaskTimeout';
    this.taskId = taskId;
  }
}

/** An answer of the API that is an error. */
export class ApiError extends InterlockError {
  /** Stands in the logs of the API too. */
  readonly requestId: string | undefined;
  /** Seconds after which the API asks to be tried again. */
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, more: { errors?: FieldError[]; requestId?: string; retryAfter?: number }) {
    super(code, message, more.errors ? { errors: more.errors } : {});
    this.name = 'ApiError';
    this.requestId = more.requestId;
    this.retryAfter = more.retryAfter;
  }
}

/** RFC 9457, as the API writes it. */
interface ProblemBody {
  code?: unknown;
  detail?: unknown;
  title?: unknown;
  instance?: unknown;
  errors?: unknown;
}

/** The error that a problem document stands for. */
export function errorOfProblem(body: ProblemBody, response: { status: number; headers: Headers }): InterlockError {
  const text = [body.detail, body.title].find(part => typeof part === 'string') ?? `The API answered ${response.status}.`;
  const code = codeOf(body.code, response.status);
  if (code === 'MISSING_RESOURCE') return new MissingResource(text.replace(/ does not exist\.$/, ''));
  const retryAfter = Number(response.headers.get('retry-after') ?? NaN);
  return new ApiError(code, text, {
    ...(Array.isArray(body.errors) && { errors: body.errors as FieldError[] }),
    ...(typeof body.instance === 'string' && { requestId: body.instance }),
    ...(Number.isFinite(retryAfter) && { retryAfter }),
  });
}

/** A newer API may know codes that this client does not: the status then gives the nearest. */
function codeOf(code: unknown, status: number): ErrorCode {
  if (typeof code === 'string' && Object.hasOwn(ERROR_STATUS, code)) return code as ErrorCode;
  const codes = Object.keys(ERROR_STATUS) as ErrorCode[];
  return codes.find(candidate => ERROR_STATUS[candidate] === status) ?? 'INTERNAL_ERROR';
}
