import { setTimeout as sleep } from 'node:timers/promises';
import type { AmqpTiming } from './options.js';

/** The broker did not answer in time. What it will still do is unknown. */
export class Late extends Error {
  constructor(what: string, ms: number) {
    super(`${what}: no answer within ${Math.round(ms)} ms`);
    this.name = 'Late';
  }
}

/** The outcome of `work`, or `Late` after `ms`. What `work` does afterwards is nobody's business any more. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Late(what, ms)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Sleeps, but not beyond `stop`. */
export async function pause(ms: number, stop: AbortSignal): Promise<void> {
  // The one rejection of this timer says that `stop` aborted, which is an ordinary end here.
  await sleep(ms, undefined, { signal: stop }).catch(() => undefined);
}

/** Full jitter, so that the processes of a fleet do not come back in step: 0.2-0.4 s after the first failure, up to 10 s after six. */
export function backoff(failures: number, random: () => number, timing: AmqpTiming): number {
  const { backoffMinMs: least, backoffMaxMs: most } = timing;
  const ceiling = Math.min(most, least * 2 ** Math.min(failures, 20));
  return least + random() * (ceiling - least);
}

/** A reason fit for a log line. Node gives refused connections to several addresses an empty message. */
export function explain(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(explain).join('; ');
  return cause instanceof Error ? cause.message : String(cause);
}
