import { readFileSync, readdirSync } from 'node:fs';

import { isDead, isGone, isNoProcess, statOf, type ProcessStat } from '../../process/identity.js';
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
 * Where the child itself is gone, its group is looked for only if it has `justDied`: later the number may name another group.
 * A process that left group and session *and* cleared its environment *and* whose parent is dead is not found: only a cgroup could
 * tell (the systemd unit's KillMode ends those with the worker). Throws when /proc cannot be read.
 */
export function remainsOf(child: ChildIdentity, options: { justDied?: boolean } = {}): ProcessStat[] {
  const all = processes();
  const leader = all.find(stat => stat.pid === child.pid);
  const groupIsOurs = leader ? leader.startTicks === child.startTicks : options.justDied === true;
  const found = new Set<number>();
  for (const stat of all) {
    if (stat.startTicks < child.startTicks) continue;
    const related = groupIsOurs && (stat.group === child.pid || stat.session === child.pid);
    if (related || hasMarker(stat.pid, child.marker)) found.add(stat.pid);
  }
  addDescendants(all, found);
  return all.filter(stat => found.has(stat.pid) && !isDead(stat));
}

/**
 * Whether a living child can have started anything since its stat was `before`. Two dozen small reads, where `remainsOf` reads every
 * process of the machine: what it started is its child now, or was its child and has been waited for (a process that ends
 * has had page faults). A kernel that does not list children gets the benefit of the doubt.
 */
export function mayHaveStarted(before: ProcessStat): boolean {
  if (statOf(before.pid)?.faultsOfChildren !== before.faultsOfChildren) return true;
  const threads = `/proc/${before.pid}/task`;
  try {
    return readdirSync(threads).some(thread => readFileSync(`${threads}/${thread}/children`, 'latin1') !== '');
  } catch {
    return true; // no such list, or a thread that ended just now
  }
}

/** Kills all of it and resolves when it is seen gone; waits for ever, because its resources must not be given away before. */
export async function endRemains(child: ChildIdentity, options: { justDied: boolean; timers: Timers; log: Log }): Promise<void> {
  const { justDied, timers, log } = options;
  const killed = new Map<number, ProcessStat>();
  for (let round = 1; ; round += 1) {
    const left = endRound(child, justDied, killed);
    if (left === 0) return;
    if (round % COMPLAIN_EVERY === 0) {
      log.error('Killed processes of a child are not seen to end; its task stays open until they are.', {
        child: child.pid,
        left,
      });
    }
    await timers.sleep(ROUND_MS);
  }
}

/** How many are left, newly found ones included; not a number (never 0) when that cannot be told. */
function endRound(child: ChildIdentity, justDied: boolean, killed: Map<number, ProcessStat>): number {
  try {
    const found = remainsOf(child, { justDied });
    for (const stat of found) {
      killed.set(stat.pid, stat);
      signal(stat.pid, 'SIGKILL');
    }
    const alive = [...killed.values()].filter(({ pid, startTicks }) => !isGone(pid, startTicks));
    return Math.max(found.length, alive.length);
  } catch {
    return Number.NaN; // no file descriptor to read /proc with, say: that proves nothing
  }
}

/** A negative pid names a group. One that is not there, or not ours to kill, is no failure here: the caller looks for itself. */
export function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!isNoProcess(error) && !isRefused(error)) throw error;
  }
}

function isRefused(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EPERM' || code === 'EACCES';
}

function processes(): ProcessStat[] {
  const pids = readdirSync('/proc').filter(entry => /^\d+$/.test(entry));
  return pids.map(pid => visible(() => statOf(Number(pid)))).filter(stat => stat !== undefined);
}

/** Undefined for what has ended, and for what another user hides. */
function visible<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isNoProcess(error) || isRefused(error)) return undefined;
    throw error;
  }
}

function hasMarker(pid: number, marker: string): boolean {
  const environment = visible(() => readFileSync(`/proc/${pid}/environ`, 'latin1'));
  return environment?.split('\0').includes(`${MARKER}=${marker}`) ?? false;
}

function addDescendants(all: readonly ProcessStat[], found: Set<number>): void {
  for (let grown = true; grown;) {
    const next = all.filter(stat => found.has(stat.parent) && !found.has(stat.pid));
    for (const stat of next) found.add(stat.pid);
    grown = next.length > 0;
  }
}
