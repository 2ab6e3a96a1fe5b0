import { readFileSync } from 'node:fs';

import { isGone, statOf, type ProcessStat } from '../../process/identity.js';

const LOOK_MS = 500;
/** npm → the shell of its script → us. */
const MAX_DISTANCE = 3;

/**
 * Calls `gone` when the npm that started this process is, or the shell between: neither hands on every signal, and SIGKILL is
 * handed on by nobody. Does nothing where no npm did. Never keeps the process alive.
 */
export function watchNpm(gone: () => void): void {
  const chain = chainToNpm();
  if (chain.length === 0) return;
  const timer = setInterval(() => {
    if (!chain.some(({ pid, startTicks }) => isGone(pid, startTicks))) return;
    clearInterval(timer);
    gone();
  }, LOOK_MS).unref();
}

/** Our ancestors up to npm; empty when there is none. */
function chainToNpm(): ProcessStat[] {
  const chain: ProcessStat[] = [];
  for (let pid = process.ppid; chain.length < MAX_DISTANCE;) {
    const stat = statOf(pid);
    if (!stat) return [];
    chain.push(stat);
    if (isNpm(pid)) return chain;
    pid = stat.parent;
  }
  return [];
}

function isNpm(pid: number): boolean {
  try {
    return /^npm\b|npm-cli\.js\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
  } catch {
    return false;
  }
}
