/**
 * Works through the items in order, `width` at a time. The first failure aborts the signal of all others and is thrown when they have ended,
 * so that nothing runs on behind the caller's back. Throws the reason of `signal` once that is aborted.
 */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const rest = items.values();
  const lane = async (): Promise<void> => {
    try {
      for (const item of rest) {
        if (either.aborted) return;
        await work(item, either);
      }
    } catch (error) {
      failed.abort(error);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  either.throwIfAborted();
}
