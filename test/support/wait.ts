import { setTimeout as sleep } from 'node:timers/promises';

/** Probes until the answer is truthy; fails naming `what` and the last answer or error. The bound is generous on purpose. */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = 30_000, everyMs = 50 } = options;
  const end = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      last = await probe();
      if (last) return last as NonNullable<T>;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`Waited ${timeoutMs} ms for: ${what}. Last: ${describe(last)}`);
    await sleep(everyMs);
  }
}

function describe(value: unknown): string {
  if (value instanceof Error) return value.stack ?? value.message;
  return value === undefined ? 'undefined' : JSON.stringify(value).slice(0, 500);
}
