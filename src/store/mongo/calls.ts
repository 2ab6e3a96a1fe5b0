import { certainlyNotWritten, LateError, translated } from './errors.js';

/** What the server may spend on one command … */
export const LIMIT = { maxTimeMS: 8_000 } as const;
/** … and how long a caller waits for it all: selection, pool, network and the driver's own retry included. */
export const CALL_MS = 10_000;

/**
 * The driver's `timeoutMS` does nothing and its sockets give up after 10 s, so every call races its deadline. The loser goes on in the
 * background for at most one socket timeout and its answer is dropped.
 */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateError(ms)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A command that writes nothing, or nothing that matters. Throws StoreError `refused`. */
export async function read<T>(what: string, ask: () => Promise<T>, deadlineMs = CALL_MS): Promise<T> {
  try {
    return await within(deadlineMs, ask());
  } catch (error) {
    throw translated(error, what, 'refused');
  }
}

/** A write of one record, which the driver may send twice under one transaction number. Throws StoreError. */
export async function write<T>(what: string, ask: () => Promise<T>, deadlineMs = CALL_MS): Promise<T> {
  return attempt(what, ask, { deadlineMs, sentOnce: false });
}

/** A write that the driver sends once: `updateMany`, plain commands, and everything of the vital client. Throws StoreError. */
export async function writeOnce<T>(what: string, ask: () => Promise<T>, deadlineMs = CALL_MS): Promise<T> {
  return attempt(what, ask, { deadlineMs, sentOnce: true });
}

async function attempt<T>(what: string, ask: () => Promise<T>, how: { deadlineMs: number; sentOnce: boolean }): Promise<T> {
  try {
    return await within(how.deadlineMs, ask());
  } catch (error) {
    throw translated(error, what, certainlyNotWritten(error, how.sentOnce) ? 'refused' : 'unknown');
  }
}
