/** When a body that failed is started again, as a task's record says. Times in milliseconds. */
export interface RetryPolicy {
  delayMs: number;
  /** The same delay each time, or twice the last one. */
  backoff: 'fixed' | 'exponential';
  maxDelayMs: number;
  /** Between half of the delay and all of it, so that what failed together is not tried together. */
  jitter: boolean;
  /** Its resources stay with it while it waits; otherwise it gives them back and joins the line anew. */
  hold: boolean;
}

export const DEFAULT_RETRY: Readonly<RetryPolicy> = {
  delayMs: 1_000,
  backoff: 'exponential',
  maxDelayMs: 600_000,
  jitter: true,
  hold: false,
};

/** From the end of start `attempt` to the next one. `uniform` gives [0, 1). */
export function retryDelayMs(policy: RetryPolicy, attempt: number, uniform: () => number): number {
  const { delayMs, backoff, maxDelayMs, jitter } = policy;
  // Beyond 2^40 every delay is longer than the longest.
  const factor = backoff === 'fixed' ? 1 : 2 ** Math.min(attempt - 1, 40);
  const fullMs = Math.min(delayMs * factor, maxDelayMs);
  return Math.round(jitter ? fullMs * (0.5 + uniform() / 2) : fullMs);
}
