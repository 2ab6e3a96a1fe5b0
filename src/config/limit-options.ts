import { integer, integerOrZero } from './option.js';

/** How much the API takes at a time: what is more is refused, with a time after which to come back. docs/decisions/overload.md has the reasons. */
export const LIMITS = {
  requestsPerSecond: integerOrZero({
    env: 'INTERLOCK_API_REQUESTS_PER_SECOND',
    about:
      'How many requests a second each token may send to an API for long, and each address (in IPv6: each /64 network) that shows none; what is more is refused with 429. 0: any number.',
    default: 1_000,
    min: 1,
    max: 1_000_000,
  }),
  burst: integer({
    env: 'INTERLOCK_API_BURST',
    about: 'How many of them may come at once after a rest.',
    default: 5_000,
    min: 1,
    max: 1_000_000,
  }),
  inFlight: integer({
    env: 'INTERLOCK_API_MAX_IN_FLIGHT',
    about:
      'How many requests an API answers at a time, without event streams and those that wait for a task; what is more is refused with 503.',
    default: 500,
    min: 1,
    max: 100_000,
  }),
  bodyMiB: integer({
    env: 'INTERLOCK_API_MAX_BODY_MIB',
    about: 'How large the bodies of the requests that an API answers may be together, in MiB; what is more is refused with 503.',
    default: 64,
    min: 16,
    max: 4_096,
  }),
  openTasks: integerOrZero({
    env: 'INTERLOCK_API_MAX_OPEN_TASKS',
    about:
      'How many tasks may be open (waiting or running) before an API takes no new ones from clients (503); tasks and schedules still make theirs. 0: any number.',
    default: 1_000_000,
    min: 1,
    max: 100_000_000,
  }),
} as const;
