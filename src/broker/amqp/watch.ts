import { pause } from './deadline.js';

/** Doubts something every `everyMs`, until `stop`. `doubt` must not reject. */
export async function watch(everyMs: number, stop: AbortSignal, doubt: () => Promise<void>): Promise<void> {
  for (;;) {
    await pause(everyMs, stop);
    if (stop.aborted) return;
    await doubt();
  }
}
