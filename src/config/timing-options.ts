import { DEFAULT_TIMING, type Timing } from '../core/timing.js';
import { decimal, integer, type Option } from './option.js';

const DAY_MS = 86_400_000;

function interval(name: string, env: string, about: string): Option<number>;
function interval(name: string, env: string, about: string, fallback: null): Option<number | null>;
function interval(name: string, env: string, about: string, fallback?: null): Option<number | null> {
  const preset = fallback === null ? null : DEFAULT_TIMING[name as keyof Timing];
  return integer<number | null>({ env: `INTERLOCK_${env}`, about, default: preset, min: 1, max: DAY_MS });
}

/** How often and how long everything is done and waited for: the promises rest on these, so a start refuses what does not fit together. */
export const TIMING = {
  scale: decimal({
    env: 'INTERLOCK_TIMING_SCALE',
    about: 'Multiplies every interval of this table; tests run a fifth.',
    default: 1,
    min: 0.05,
    max: 10,
  }),
  heartbeatMs: interval('heartbeatMs', 'WORKER_HEARTBEAT_MS', 'A process raises its heartbeat counter this often.'),
  heartbeatDeadlineMs: interval(
    'heartbeatDeadlineMs',
    'TIMING_HEARTBEAT_DEADLINE_MS',
    'One heartbeat may take this long; unset: four fifths of `heartbeatMs` (4000).',
    null,
  ),
  selfFenceMs: interval(
    'selfFenceMs',
    'WORKER_SELF_FENCE_MS',
    'Without a good heartbeat for this long, a worker kills its children.',
  ),
  ttlMs: interval('ttlMs', 'WORKER_TTL_MS', 'Life of a heartbeat in the database, by server time.'),
  watchMs: interval(
    'watchMs',
    'TIMING_WATCH_MS',
    'A beat has watched a silent process this long before it calls it missing; unset: between `selfFenceMs` and `ttlMs` (22000).',
    null,
  ),
  sweepMs: interval('sweepMs', 'WORKER_SWEEP_MS', 'Beats look for missing processes and lost hints this often.'),
  leaseMs: interval('leaseMs', 'TIMING_LEASE_MS', 'Life of a leader lease, by server time.'),
  leaseRenewMs: interval('leaseRenewMs', 'TIMING_LEASE_RENEW_MS', 'A leader renews its lease this often.'),
  leaseTrustMs: interval(
    'leaseTrustMs',
    'TIMING_LEASE_TRUST_MS',
    'A leader trusts its lease this long from the start of its last renewal.',
  ),
  gapMs: interval('gapMs', 'TIMING_GAP_MS', 'An acceptance number that stays missing this long is closed.'),
  passMs: interval('passMs', 'TIMING_PASS_MS', 'Without hints the resource manager looks for new tasks this often.'),
  reconcileMs: interval(
    'reconcileMs',
    'TIMING_RECONCILE_MS',
    'The resource manager compares its graph with the database this often.',
  ),
  claimIdleMs: interval('claimIdleMs', 'TIMING_CLAIM_IDLE_MS', 'A free slot without a hint asks the database this often.'),
  busyMs: interval('busyMs', 'TIMING_BUSY_MS', 'A worker whose slots are all taken this long stops consuming.'),
  rehintMs: interval('rehintMs', 'TIMING_REHINT_MS', 'A ready task that was not started is hinted again after this long.'),
} as const;
