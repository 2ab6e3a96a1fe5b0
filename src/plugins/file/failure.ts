/** Why a sync ended as failed, for machines. docs/file-plugin.md has a sentence on each, and a test compares the two. */
export const FAILURE_CODES = [
  'ORIGIN_UNREACHABLE',
  'ORIGIN_REFUSED',
  'ORIGIN_ERROR',
  'ORIGIN_TIMEOUT',
  'TLS_ERROR',
  'PROXY_ERROR',
  'REDIRECT_REFUSED',
  'MANIFEST_INVALID',
  'PATH_TRAVERSAL',
  'SIZE_MISMATCH',
  'CHECKSUM_MISMATCH',
  'DISK_FULL',
] as const;
export type FailureCode = (typeof FAILURE_CODES)[number];

/** What went wrong outside, told so that its reader knows what to mend. `retryable`: the same request may well succeed now. */
export class SyncFailure extends Error {
  readonly code: FailureCode;
  readonly retryable: boolean;

  constructor(code: FailureCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SyncFailure';
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** Node's error code of anything thrown, else ''. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : '';
}
