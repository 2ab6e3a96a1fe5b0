import { setTimeout as sleep } from 'node:timers/promises';

import { SyncFailure } from './failure.js';

const RETRIES = 2;
const FIRST_PAUSE_MS = 250;

/** Tries again, at most twice and after a pause with jitter, what failed in a way that passes. Throws the last failure. */
export async function withRetries<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof SyncFailure) || !error.retryable || failures === RETRIES) throw error;
    }
    await pause(FIRST_PAUSE_MS * 4 ** failures * (0.5 + Math.random()), signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    signal.throwIfAborted(); // the timer's own AbortError would hide the reason
  }
}
