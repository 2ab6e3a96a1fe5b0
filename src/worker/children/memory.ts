import { readFileSync } from 'node:fs';

/** What this process has in memory now, as /proc shows it. Undefined when it is gone, or /proc cannot be read. */
function residentMiB(pid: number): number | undefined {
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return kib === undefined ? undefined : Number(kib) / 1_024;
  } catch {
    return undefined;
  }
}

/** Whether a child whose task has ended uses too much to be given another one. `aboveMiB` 0: nobody asks. */
export function hasGrownAbove(aboveMiB: number, pid: number): boolean {
  return aboveMiB > 0 && (residentMiB(pid) ?? 0) > aboveMiB;
}
