import { readFileSync, readdirSync } from 'node:fs';

import { isDead, statOf, type ProcessStat } from '../../process/identity.js';
import type { Log } from '../../process/log.js';
import type { Timers } from '../../process/runtime.js';

/** Environment variable that marks a child and, by inheritance, what it starts. */
export const MARKER = 'INTERLOCK_CHILD';

/** A child, precise enough to find it and its descendants when its supervisor is dead. */
export interface ChildIdentity {
  pid: number;
  startTicks: number;
  /** Value of the marker in its environment; unique. */
  marker: string;
}

const ROUND_MS = 10;
const COMPLAIN_EVERY = 1_000; // rounds, about 10 s

/**
 * Every living process of a child: itself, its process group and session, whatever carries its marker, and their descendants.
 * One that left group and session *and* cleared its environment *and* whose parent is dead is not found: only a cgroup could tell
 * (the systemd unit's KillMode ends those with the worker).
 */
export function remainsOf(child: ChildIdentity): ProcessStat[] {
  const all = processes();
  // A pid that is in use again says that the group and session of that number are new ones, too.
  const reused = all.some(stat => stat.pid === child.pid && stat.startTicks !== child.startTicks);
  const found = new Set<number>();
  for (const stat of all) {
    if (stat.startTicks < child.startTicks) continue;
    const related = !reused && (stat.group === child.pid || stat.session === child.pid);
    if (related || hasMarker(stat.pid, child.marker)) found.add(stat.pid);
  }
  addDescendants(all, found);
  return all.filter(stat => found.has(stat.pid) && !isDead(stat));
}

/** Kills all of it and resolves when it is seen gone; waits for ever, because its resources must not be given away before. */
export async function endRemains(child: ChildIdentity, timers: Timers, log: Log): Promise<void> {
  for (let round = 1; ; round += 1) {
    const left = remainsOf(child);
    if (left.length === 0) return;
    for (const { pid } of left) signal(pid, 'SIGKILL');
    if (round % COMPLAIN_EVERY === 0) {
      log.error('Killed processes of a child do not end; its task stays open until they do.', { child: child.pid, left });
    }
    await timers.sleep(ROUND_MS);
  }
}

/** A negative pid names a group. No such process is no failure: the caller looks for itself. */
export function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function processes(): ProcessStat[] {
  const pids = readdirSync('/proc').filter(entry => /^\d+$/.test(entry));
  return pids.map(pid => statOf(Number(pid))).filter(stat => stat !== undefined);
}

function hasMarker(pid: number, marker: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${MARKER}=${marker}`);
  } catch {
    return false; // gone, or another user's
  }
}

function addDescendants(all: readonly ProcessStat[], found: Set<number>): void {
  for (let grown = true; grown;) {
    const next = all.filter(stat => found.has(stat.parent) && !found.has(stat.pid));
    for (const stat of next) found.add(stat.pid);
    grown = next.length > 0;
  }
}
