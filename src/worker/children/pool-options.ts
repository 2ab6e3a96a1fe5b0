import type { Log } from '../../process/log.js';
import type { Runtime } from '../../process/runtime.js';

/** What every pool of child processes is made of. */
export interface PoolOptions {
  slots: number;
  workerName: string;
  /** Absolute; see `workerDirectoryOf`. Made anew at `start`. */
  workerDirectory: string;
  /** Paths or packages, counted from `moduleBase`. */
  taskModules: readonly string[];
  moduleBase: string;
  /** Names of further environment variables that task code sees. */
  childEnvironment: readonly string[];
  /** From the AbortSignal to SIGTERM, and from there to SIGKILL. */
  graceMs: number;
  killMs: number;
  /** Hard limit of tasks that have none of their own; 0: none. */
  timeLimitMs: number;
  /** A child is replaced after so many (for each task that it may run at a time); 0: never. */
  recycleAfterTasks: number;
  /** A child that has more resident memory than this when a task of it ends is replaced; 0: never. */
  recycleAboveMiB: number;
  /** Resident memory of a child that is too much. */
  memoryMiB: number;
  resultLimitBytes: number;
  log: Log;
  runtime: Runtime;
}

/** A task that no child could be started for in this time has failed. */
export const CHILD_WAIT_MS = 60_000;
