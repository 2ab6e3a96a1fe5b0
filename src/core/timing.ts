/**
 * All intervals of the protocol, in milliseconds. Tests run a fifth of these.
 * The order that must hold between them is checked by `timingProblems` (config refuses to start otherwise).
 */
export interface Timing {
  /** A process raises its heartbeat counter this often … */
  heartbeatMs: number;
  /** … and gives one write this long. */
  heartbeatDeadlineMs: number;
  /** Without a good heartbeat for this long (own monotonic clock, from the start of the last good one) children die. */
  selfFenceMs: number;
  /** A process's lease in the database, by server time. */
  ttlMs: number;
  /** A beat must have seen the same counter for this long on its own clock before it calls a process missing. */
  watchMs: number;
  sweepMs: number;
  /** Leader lease: life by server time, renewal, and how long it is trusted locally from the start of the last renewal. */
  leaseMs: number;
  leaseRenewMs: number;
  leaseTrustMs: number;
  /** A missing number older than this is closed. */
  gapMs: number;
  /** Without hints the resource manager passes this often … */
  passMs: number;
  /** … and compares its graph with the database this often. */
  reconcileMs: number;
  /** A free slot without a hint for this long claims by query. */
  claimIdleMs: number;
  /** All slots busy for this long: stop consuming, so that no delivery waits behind a long task. */
  busyMs: number;
  /** A task that is ready but not started is hinted again after this long, doubling up to 30 times as much. */
  rehintMs: number;
}

export const DEFAULT_TIMING: Timing = {
  heartbeatMs: 5_000,
  heartbeatDeadlineMs: 4_000,
  selfFenceMs: 20_000,
  ttlMs: 25_000,
  watchMs: 22_000,
  sweepMs: 5_000,
  leaseMs: 15_000,
  leaseRenewMs: 5_000,
  leaseTrustMs: 10_000,
  gapMs: 15_000,
  passMs: 1_000,
  reconcileMs: 5_000,
  claimIdleMs: 5_000,
  busyMs: 2_000,
  rehintMs: 10_000,
};

/** Every inequality that does not hold, as `name: sentence`; empty when the timing is sound. */
export function timingProblems(t: Timing): string[] {
  const rules: [boolean, string][] = [
    [t.heartbeatDeadlineMs <= t.heartbeatMs, 'heartbeatDeadlineMs: must not exceed heartbeatMs'],
    [t.selfFenceMs >= 3 * t.heartbeatMs, 'selfFenceMs: must leave room for three heartbeats (at least 3 × heartbeatMs)'],
    [t.watchMs > t.selfFenceMs, 'watchMs: must exceed selfFenceMs, so that children are dead before their resources are free'],
    [t.ttlMs > t.watchMs, 'ttlMs: must exceed watchMs'],
    [t.sweepMs <= t.ttlMs / 2, 'sweepMs: must be at most half of ttlMs'],
    [t.leaseTrustMs < t.leaseMs, 'leaseTrustMs: must be below leaseMs'],
    [2 * t.leaseRenewMs <= t.leaseTrustMs, 'leaseRenewMs: must fit twice into leaseTrustMs'],
    [t.passMs <= t.gapMs, 'passMs: must not exceed gapMs'],
  ];
  return rules.filter(([holds]) => !holds).map(([, problem]) => problem);
}
