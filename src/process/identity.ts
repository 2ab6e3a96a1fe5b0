import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

import type { ProcessIdentity } from '../core/process.js';

/** One process as /proc shows it at one moment. */
export interface ProcessStat {
  pid: number;
  /** One letter; Z and X are dead: a zombie only waits to be reaped, and `kill(pid, 0)` still succeeds on it. */
  state: string;
  parent: number;
  group: number;
  session: number;
  /** Clock ticks from boot to the start of the process; with the pid it names a process for one boot. */
  startTicks: number;
  /** Page faults of the children that it has waited for: as long as this does not grow, none of its children has ended. */
  faultsOfChildren: number;
}

/** This process, precise enough for another one on this machine to prove it dead. */
export function identify(): ProcessIdentity {
  const startTicks = startTicksOf(process.pid);
  if (startTicks === undefined) throw new Error('Interlock needs a mounted /proc (Linux): it proves processes dead by it.');
  return { host: hostname(), bootId: bootId(), pidNamespace: readlinkSync('/proc/self/ns/pid'), pid: process.pid, startTicks };
}

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

/** Undefined when no such process is there (or it ends just now). Throws when /proc cannot be read: that proves nothing. */
export function statOf(pid: number): ProcessStat | undefined {
  try {
    return parse(pid, readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch (error) {
    if (isNoProcess(error)) return undefined;
    throw error;
  }
}

/** Whether reading below /proc/<pid> failed because there is no such process (any more). */
export function isNoProcess(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ESRCH';
}

export function startTicksOf(pid: number): number | undefined {
  return statOf(pid)?.startTicks;
}

/** Whether this very process has ended: no /proc entry, another one under its pid, or one that only waits to be reaped. */
export function isGone(pid: number, startTicks: number): boolean {
  const stat = statOf(pid);
  return stat?.startTicks !== startTicks || isDead(stat);
}

export function isDead(stat: ProcessStat): boolean {
  return stat.state === 'Z' || stat.state === 'X';
}

/**
 * Whether a process is known to be gone. Only its own machine (same boot, same pid namespace) can tell; a different boot of
 * the same machine looks like another machine, which is why `false` means "cannot tell, or it lives".
 */
export function provedGone(holder: ProcessIdentity, self: ProcessIdentity = identify()): boolean {
  if (holder.bootId !== self.bootId || holder.pidNamespace !== self.pidNamespace) return false;
  return isGone(holder.pid, holder.startTicks);
}

// The second field is the command in brackets, which may itself hold spaces and brackets: fields are counted after the last one.
function parse(pid: number, text: string): ProcessStat | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group, session] = fields;
  const startTicks = Number(fields[19]);
  if (state === undefined || Number.isNaN(startTicks)) return undefined;
  return {
    pid,
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startTicks,
    faultsOfChildren: Number(fields[8]),
  };
}
