import type { Timers } from '../process/runtime.js';

export type Probed<T> = { ok: true; value: T } | { ok: false; error: unknown };

/** What a probe said within `ms`. Never rejects; a late answer is dropped, and the call ends by its own deadline. */
export async function probe<T>(call: () => Promise<T>, ms: number, timers: Timers): Promise<Probed<T>> {
  const answered = new AbortController();
  const late = timers
    .sleep(ms, answered.signal)
    .then((): Probed<T> => ({ ok: false, error: new Error(`no answer within ${ms} ms`) }));
  const answer = call().then(
    (value): Probed<T> => ({ ok: true, value }),
    (error: unknown): Probed<T> => ({ ok: false, error }),
  );
  const first = await Promise.race([answer, late]);
  answered.abort();
  return first;
}
