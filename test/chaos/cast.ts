import type { Role } from '../../src/core/process.js';

/** Who takes part. Names stay the same over restarts, as those of services do. */
export interface Player {
  name: string;
  role: Role;
  /** Of a worker: all its tasks in one child process. */
  async?: boolean;
}

const several = (role: Role, prefix: string, count: number): Player[] =>
  Array.from({ length: count }, (_, n) => ({ name: `${prefix}-${n + 1}`, role }));

export const CAST: readonly Player[] = [
  ...several('api', 'api', 2),
  ...several('resource-manager', 'manager', 2),
  ...several('worker', 'worker', 2),
  { name: 'worker-3', role: 'worker', async: true },
  ...several('beat', 'beat', 2),
];
export const SLOTS = 3;
/** So that several bodies share the fate of their process, and the other workers get their share. */
export const ASYNC_SLOTS = 6;
export const QUEUES = ['default', 'side'];
/** Three in each of four trees. */
export const TREES = ['t1', 't2', 't3', 't4'];
export const RESOURCES = Array.from({ length: 12 }, (_, n) => `t${1 + (n % 4)}/r${n + 1}`);
/** Units of `gpu`, and how many tasks with one key may run at a time. */
export const GPUS = 4;
export const AT_ONCE = 3;

/** Schedules of the run: every second slot is due while some fault is at work. */
export const SCHEDULES = [
  { name: 'every-slot', interval: 2, misfire: 'all' },
  { name: 'latest-slot', interval: 3, misfire: 'one' },
  { name: 'one-by-one', cron: '*/4 * * * * *', timezone: 'Europe/Berlin', overlap: 'skip', remainingRuns: 40 },
] as const;

/** All timings of the product, times this: a self-fence after 8 s, missing after 10 s, so that five minutes hold many of them. */
export const TIMING_SCALE = 0.4;

export function names(role: Role): string[] {
  return CAST.filter(player => player.role === role).map(player => player.name);
}
