import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

import type { WorkerStats } from '../core/process.js';
import { residentBytes } from '../process/resident.js';
import type { Pool } from './pool.js';

const MIB = 1_048_576;

/** Numbers of this process and its children, since the last time that they were asked for. Costs a small file a child. */
export function measuring(pool: Pick<Pool, 'stats'>): () => Omit<WorkerStats, 'busy' | 'ahead'> {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    const { children, tasksRun } = pool.stats();
    const resident = children.map(({ pid }) => residentKiB(pid));
    return {
      children: children.length,
      residentMiB: Math.round(residentBytes() / MIB),
      childrenMiB: resident.includes(undefined)
        ? null
        : Math.round(resident.reduce<number>((sum, kib) => sum + (kib ?? 0), 0) / 1_024),
      tasksRun,
      uptimeSeconds: Math.round(process.uptime()),
      loopUse: Math.round(utilization * 1_000) / 1_000,
    };
  };
}

/** Undefined where it cannot be read; 0 of one that is gone. */
function residentKiB(pid: number): number | undefined {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ESRCH'
      ? 0
      : undefined;
  }
}
