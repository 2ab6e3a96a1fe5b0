import type { Outcome } from '../../../src/core/outcome.js';
import type { Superseded } from '../../../src/core/task.js';

/** Every way in which a start may end. */
export const OUTCOMES: Outcome[] = [
  { kind: 'completed', result: { x: [1, null] } },
  { kind: 'failed', error: { code: 'X', message: 'm' } },
  { kind: 'failed', error: { code: 'X', message: 'm' }, reason: 'timeout', exit: { code: 1, signal: null } },
  { kind: 'failed', error: { code: 'POISONED', message: 'm' }, reason: 'worker-lost' },
  { kind: 'canceled', reason: 'worker-lost' },
  { kind: 'canceled', reason: 'user' },
  { kind: 'skipped', error: { code: 'SKIPPED', message: 'm' } },
  { kind: 'retried', error: { code: 'X', message: 'm', traceback: 't' }, delayMs: 0, hold: false },
  { kind: 'retried', error: { code: 'X', message: 'm' }, delayMs: 0, hold: true, exit: { code: 1, signal: null } },
  { kind: 'retried', error: { code: 'TIME_LIMIT', message: 'm' }, delayMs: 3_600_000, hold: true, reason: 'timeout' },
  { kind: 'requeued', reason: 'worker-lost' },
  { kind: 'requeued', reason: 'worker-shutdown', exit: { code: null, signal: 'SIGKILL' } },
];

export const LATE: Omit<Superseded, 'at'>[] = [
  { kind: 'completed', result: { x: 1 }, resultBytes: 7 },
  { kind: 'failed', error: { code: 'X', message: 'm' } },
];
