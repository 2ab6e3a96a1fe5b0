import { InterlockError } from '../core/errors.js';

/** A backup that cannot be trusted, before anything was touched. */
export function damaged(detail: string): InterlockError {
  return new InterlockError('CONFLICT', `The backup is damaged: ${detail}. Nothing was changed.`);
}

/** Something else than a backup that this version can read. */
export function refused(detail: string): InterlockError {
  return new InterlockError('CONFLICT', detail);
}

/** What a file system says, without the trace of a bug: a full disk, a folder of somebody else. */
export function explained(error: unknown, what: string): unknown {
  if (error instanceof InterlockError || !(error instanceof Error)) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code !== undefined && syscall !== undefined
    ? new InterlockError('CONFLICT', `${what}: ${error.message}.`, { cause: error })
    : error;
}
