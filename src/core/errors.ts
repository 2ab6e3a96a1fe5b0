import type { TaskError } from './task.js';

/** Every error that leaves a process, by its stable code (INTERFACE: REST codes). Codes are never reused. */
export const ERROR_STATUS = {
  VALIDATION_FAILED: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  MISSING_RESOURCE: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  REQUEST_TIMEOUT: 408,
  CONFLICT: 409,
  TASK_FINAL: 409,
  TASK_NOT_FINAL: 409,
  PRECONDITION_FAILED: 412,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  IDEMPOTENCY_KEY_REUSED: 422,
  UNKNOWN_TASK_TYPE: 422,
  RATE_LIMITED: 429,
  INTERNAL_ERROR: 500,
  STORE_UNAVAILABLE: 503,
  MAINTENANCE: 503,
  OVERLOADED: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** One thing wrong with an input: `pointer` is a JSON pointer into the body, or `?name` for a query parameter. */
export interface FieldError {
  pointer: string;
  detail: string;
  /** A finer word for machines, as `too_many` or `unknown_field`. */
  reason?: string;
}

/** An error that its caller can act on. Anything else that is thrown is a bug. */
export class InterlockError extends Error {
  readonly code: ErrorCode;
  readonly errors: FieldError[];

  constructor(code: ErrorCode, message: string, options: { errors?: FieldError[]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'InterlockError';
    this.code = code;
    this.errors = options.errors ?? [];
  }

  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

/** A name that nothing answers to: a task, a repository, a schedule. */
export class MissingResource extends InterlockError {
  constructor(what: string) {
    super('MISSING_RESOURCE', `${what} does not exist.`);
    this.name = 'MissingResource';
  }
}

/** Records of another form than this release reads and writes: no process of it may start on them. */
export class SchemaMismatch extends InterlockError {
  constructor(message: string) {
    super('CONFLICT', message);
    this.name = 'SchemaMismatch';
  }
}

/**
 * The store did not answer, or not clearly.
 * `unknown` means that the write may have happened, or may still happen later: read it back before deciding anything.
 */
export class StoreError extends InterlockError {
  readonly outcome: 'unknown' | 'refused';

  constructor(message: string, outcome: 'unknown' | 'refused', cause?: unknown) {
    super('STORE_UNAVAILABLE', message, { cause });
    this.name = 'StoreError';
    this.outcome = outcome;
  }
}

/** The database shows an older state than this process has seen: its numbers would be given a second time. */
export class OlderDatabase extends StoreError {
  constructor(message: string) {
    super(message, 'refused');
    this.name = 'OlderDatabase';
  }
}

/**
 * Ends that the store can never hold as they are, each with the error that may be recorded instead; what else was in the call has ended.
 * Trying the same again is in vain.
 */
export class UnstorableEndings extends StoreError {
  readonly refusals: readonly { id: string; token: string; error: TaskError }[];

  constructor(refusals: UnstorableEndings['refusals']) {
    super(`${refusals.length} ends of tasks cannot be stored: ${refusals[0]?.error.message ?? ''}`, 'refused');
    this.name = 'UnstorableEndings';
    this.refusals = refusals;
  }
}

/** Builds the usual answer to one bad field. */
export function invalid(pointer: string, detail: string, reason?: string): InterlockError {
  const error = reason === undefined ? { pointer, detail } : { pointer, detail, reason };
  return new InterlockError('VALIDATION_FAILED', `${pointer || 'The body'}: ${detail}`, { errors: [error] });
}
