import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** USER_HZ, which the kernel fixes at 100 for what it shows in /proc. */
const TICKS_PER_SECOND = 100;

interface CpuTimes {
  parent: number;
  /** Seconds of all its threads, and of the children that it has waited for. */
  own: number;
  ofEndedChildren: number;
}

/** Undefined when there is no such process. */
function timesOf(pid: number): CpuTimes | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const seconds = (at: number): number => (fields[at] ?? 0) / TICKS_PER_SECOND;
    return { parent: fields[1] ?? 0, own: seconds(11) + seconds(12), ofEndedChildren: seconds(13) + seconds(14) };
  } catch {
    return undefined;
  }
}

export function cpuOf(pid: number): number {
  return timesOf(pid)?.own ?? 0;
}

/** Of all children of this process, the ended ones included. */
export function cpuOfChildren(pid: number): number {
  const living = pids().flatMap(each => timesOf(each) ?? []);
  const sum = living.filter(({ parent }) => parent === pid).reduce((total, { own }) => total + own, 0);
  return sum + (timesOf(pid)?.ofEndedChildren ?? 0);
}

/** Who listens on this port of this machine, if that is to be seen. */
export function listenerOn(port: number): number | undefined {
  const sockets = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap(file => listeningSockets(file, port)));
  return pids().find(pid => descriptorsOf(pid).some(target => sockets.has(target)));
}

const LISTENING = '0A';

function listeningSockets(file: string, port: number): string[] {
  const lines = readFileSync(file, 'latin1').trim().split('\n').slice(1);
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return lines
    .map(line => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(suffix) === true && state === LISTENING)
    .map(fields => `socket:[${fields[9] ?? ''}]`);
}

function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(fd => targetOf(`/proc/${pid}/fd/${fd}`));
  } catch {
    return []; // ended, or another user's
  }
}

function targetOf(path: string): string[] {
  try {
    return [readlinkSync(path)];
  } catch {
    return []; // closed meanwhile
  }
}

function pids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}
