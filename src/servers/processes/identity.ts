import { readFileSync } from 'node:fs';
import { SetupError } from '../setup-error.js';

/** A process for good: a pid alone is given out again, a pid with its start time (clock ticks since boot) is not. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly ticks: number;
}

/** `other`: the pid now belongs to a later process. `ended`: a zombie that nobody has collected yet. */
export type Sighting = 'alive' | 'ended' | 'absent' | 'other';

interface Stat {
  state: string;
  ticks: number;
}

function readStat(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The second field is the program's name and may hold blanks and brackets: count from the last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', ticks: Number(fields[19]) };
}

/** @throws SetupError `unsupported-platform` where there is no /proc. */
export function identify(pid: number): ProcessIdentity {
  const stat = readStat(pid);
  if (stat) return { pid, ticks: stat.ticks };
  throw new SetupError('unsupported-platform', `Process ${pid} is not visible under /proc: embedded servers need Linux`, {
    ways: ['Name servers of your own with INTERLOCK_MONGO_URL and INTERLOCK_AMQP_URL'],
  });
}

export function sight(identity: ProcessIdentity): Sighting {
  const stat = readStat(identity.pid);
  if (!stat) return 'absent';
  if (stat.ticks !== identity.ticks) return 'other';
  return stat.state === 'Z' || stat.state === 'X' ? 'ended' : 'alive';
}

/** `<pid>-<ticks>`, the form in which identities stand in file and folder names. */
export function nameOf(identity: ProcessIdentity): string {
  return `${identity.pid}-${identity.ticks}`;
}

/** Reads `<pid>-<ticks>` at the end of a name, or after it a further `-<n>`; undefined where there is none. */
export function parseName(name: string): ProcessIdentity | undefined {
  const match = /(?:^|[.])(\d+)-(\d+)(?:-\d+)?$/.exec(name);
  return match ? { pid: Number(match[1]), ticks: Number(match[2]) } : undefined;
}

/**
 * Sends a signal to the process group that `leader` founded. A group outlives its leader, and its number is not given
 * out again while a member lives: without a process of that pid the group is still ours, with another one it is gone.
 */
export function signalGroup(leader: ProcessIdentity, signal: NodeJS.Signals): void {
  if (sight(leader) === 'other') return;
  try {
    process.kill(-leader.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
