import { QUEUE_NAME } from '../core/names.js';
import { integer, list, oneOf } from './option.js';

const DAY_MS = 86_400_000;

/** What a worker runs, and how it ends it. */
export const WORKER = {
  pool: oneOf({
    env: 'INTERLOCK_WORKER_POOL',
    about:
      '`prefork`: each task in a child process of its own, that is killed with it; `async`: all tasks of a worker in one child process, for trusted ' +
      'code that waits more than it computes.',
    of: ['prefork', 'async'],
    default: 'prefork',
  }),
  concurrency: integer({
    env: 'INTERLOCK_WORKER_CONCURRENCY',
    about: 'Tasks that a worker runs at a time (at most 512 with `prefork`); unset: as many as the machine has CPUs.',
    default: null,
    min: 1,
    max: 2_000,
  }),
  queues: list({
    env: 'INTERLOCK_WORKER_QUEUES',
    about: 'Queues that a worker takes tasks from.',
    default: ['default'],
    item: QUEUE_NAME,
    expected: 'queue names (1 to 64 letters, digits, _ . -)',
  }),
  recycleAfterTasks: integer({
    env: 'INTERLOCK_WORKER_RECYCLE_AFTER_TASKS',
    about: 'A child process is replaced after this many tasks (`async`: for each that it may run at a time); 0 never.',
    default: 1_000,
    min: 0,
    max: 1_000_000,
  }),
  recycleAboveMiB: integer({
    env: 'INTERLOCK_WORKER_RECYCLE_ABOVE_MIB',
    about:
      'A child process that has more resident memory than this (MiB) when a task ends is replaced, and with `async` gets no more tasks; 0 never. Below `childMemoryMiB`, which kills it under a task.',
    default: 0,
    min: 0,
    max: 1_048_576,
  }),
  childMemoryMiB: integer({
    env: 'INTERLOCK_WORKER_CHILD_MEMORY_MIB',
    about:
      'A child process is killed above this much resident memory (MiB); with `async` it is replaced, and killed at a quarter more.',
    default: 1_024,
    min: 64,
    max: 1_048_576,
  }),
  graceMs: integer({
    env: 'INTERLOCK_WORKER_GRACE_MS',
    about: 'How long a cancelled body has to react to its AbortSignal before SIGTERM (`async`: before `killMs` begins).',
    default: 5_000,
    min: 0,
    max: DAY_MS,
  }),
  killMs: integer({
    env: 'INTERLOCK_WORKER_KILL_MS',
    about: 'How long its process group then has until SIGKILL (`async`: until `retireMs` begins).',
    default: 2_000,
    min: 0,
    max: DAY_MS,
  }),
  retireMs: integer({
    env: 'INTERLOCK_WORKER_RETIRE_MS',
    about: '`async`: how long the other tasks of a child process may go on that is killed because of one of them.',
    default: 10_000,
    min: 0,
    max: DAY_MS,
  }),
  shutdownGraceMs: integer({
    env: 'INTERLOCK_WORKER_SHUTDOWN_GRACE_MS',
    about: 'How long a worker that was asked to end lets its running tasks finish before it cancels them.',
    default: 10_000,
    min: 0,
    max: DAY_MS,
  }),
  timeLimitSeconds: integer({
    env: 'INTERLOCK_WORKER_TIME_LIMIT_SECONDS',
    about: 'A body is killed after this long where neither the task nor its type gives a `timeLimit` (a day); 0: never.',
    default: 86_400,
    min: 0,
    max: 31_536_000,
  }),
  maxAwaiting: integer({
    env: 'INTERLOCK_WORKER_MAX_AWAITING',
    about:
      'How many tasks of a worker may wait for the results of other tasks at a time. Each has given its slot back, but with `prefork` it keeps its child ' +
      'process; one more is refused with `OVERLOADED`.',
    default: 64,
    min: 0,
    max: 10_000,
  }),
  resultLimitBytes: integer({
    env: 'INTERLOCK_WORKER_RESULT_LIMIT_BYTES',
    about: 'A larger result (as JSON) fails its task with RESULT_TOO_LARGE.',
    default: 1_048_576,
    min: 1_024,
    max: 8_388_608,
  }),
} as const;
