// One command at a time, as src/servers/processes/lock.ts does it - which does not exist yet when the first build starts.
// The lock is a folder; a holder is a file named <pid>-<start ticks>, so a dead one can be told and removed without a race.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const WAIT_MS = 10 * 60_000; // an installation on a slow line takes minutes

/** Start time in clock ticks since boot; undefined when there is no such process, '0' where there is no /proc. */
function startTicks(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    if (process.platform === 'linux') return undefined;
    try {
      process.kill(pid, 0);
      return '0';
    } catch {
      return undefined;
    }
  }
}

function livingHolders(folder) {
  return readdirSync(folder).filter(name => {
    const [pid, ticks] = name.split('-');
    if (startTicks(Number(pid)) === ticks) return true;
    rmSync(join(folder, name), { force: true });
    return false;
  });
}

/** Runs `work` while no other process runs work under the same folder. */
export async function withLock(folder, work) {
  mkdirSync(folder, { recursive: true });
  const mine = `${process.pid}-${startTicks(process.pid)}`;
  for (const deadline = Date.now() + WAIT_MS; ;) {
    if (livingHolders(folder).length === 0) {
      writeFileSync(join(folder, mine), '');
      if (livingHolders(folder).length === 1) break;
      rmSync(join(folder, mine), { force: true }); // two came at once: both step back
    }
    if (Date.now() > deadline) throw new Error(`Waited ${WAIT_MS / 60_000} minutes for the process that holds ${folder}`);
    await sleep(50 + Math.random() * 100);
  }
  try {
    return await work();
  } finally {
    rmSync(join(folder, mine), { force: true });
  }
}
