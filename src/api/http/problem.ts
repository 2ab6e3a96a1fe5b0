import { ERROR_STATUS, InterlockError, OlderDatabase, StoreError, type ErrorCode, type FieldError } from '../../core/errors.js';

/** RFC 9457. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  /** The request's id, as in `X-Request-ID` and the log. */
  instance: string;
  errors: FieldError[];
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Of a path. Resource names have up to 255 bytes, three characters each when encoded. */
export const MAX_PARAMETER = 1_024;

/** When a client may try again, in seconds. */
const RETRY_AFTER: Partial<Record<ErrorCode, number>> = { STORE_UNAVAILABLE: 2, MAINTENANCE: 30, OVERLOADED: 1, RATE_LIMITED: 1 };

export function retryAfter(code: ErrorCode): number | undefined {
  return RETRY_AFTER[code];
}

/** Any error as what a client may see of it. What is not meant for clients shows nothing but the request's id. */
export function problemOf(error: unknown, request: { id: string; bodyLimit: number }): Problem {
  const known = error instanceof InterlockError ? error : fromFramework(error, request.bodyLimit);
  const code = known?.code ?? 'INTERNAL_ERROR';
  return {
    type: `urn:interlock:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: titleOf(code),
    status: ERROR_STATUS[code],
    detail: known ? detailOf(known) : `Something went wrong here. The log tells more under the request id ${request.id}.`,
    code,
    instance: request.id,
    errors: known?.errors ?? [],
  };
}

/** The driver's words name hosts and ports: they stay in the log. */
function detailOf(error: InterlockError): string {
  if (!(error instanceof StoreError) || error instanceof OlderDatabase) return error.message;
  if (error.outcome === 'refused') return 'The database does not answer. Nothing was changed; try again.';
  return 'The database did not answer clearly: what was asked may have happened, or may still. With the same Idempotency-Key it is safe to repeat.';
}

export function titleOf(code: ErrorCode): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

interface FrameworkError {
  code?: unknown;
  statusCode?: unknown;
  message?: unknown;
}

/** Errors that Fastify itself raises before a route is reached. */
function fromFramework(error: unknown, bodyLimit: number): InterlockError | undefined {
  const { code, statusCode, message } = (error ?? {}) as FrameworkError;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new InterlockError('BODY_TOO_LARGE', `The body is larger than ${bodyLimit} bytes.`);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new InterlockError('UNSUPPORTED_MEDIA_TYPE', 'A body must come with Content-Type: application/json.');
    case 'FST_ERR_BAD_URL':
      return new InterlockError('VALIDATION_FAILED', 'The path is no URL: a % begins two hexadecimal digits of a byte of UTF-8.');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new InterlockError('VALIDATION_FAILED', `A part of the path is too long: at most ${MAX_PARAMETER} characters.`);
  }
  const ofClient = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
  if (ofClient && typeof code === 'string' && code.startsWith('FST_'))
    return new InterlockError('VALIDATION_FAILED', String(message));
  return undefined;
}
