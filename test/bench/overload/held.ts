import { setTimeout as sleep } from 'node:timers/promises';

import type { Memory } from '../probes.js';

/** Of the load: until a fifth of it everything is warming up; the second look comes while there is as much to do as at the first. */
const LOOKS = [0.2, 0.95] as const;
const MIB = 2 ** 20;

/**
 * MiB by which each process holds more at the end of the load than after its first fifth, garbage collected both times: what is resident rises and falls
 * by 40 MiB with V8's own mind. NaN of a process that did not answer twice.
 */
export async function heldGrowth(
  collected: () => Promise<Memory[]>,
  pids: Readonly<Record<string, number>>,
  seconds: number,
): Promise<Record<string, number>> {
  const [early, late] = LOOKS;
  await sleep(early * seconds * 1_000);
  const before = await collected();
  await sleep((late - early) * seconds * 1_000);
  const after = await collected();
  const held = (looked: readonly Memory[], pid: number): number => looked.find(each => each.pid === pid)?.held ?? NaN;
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, (held(after, pid) - held(before, pid)) / MIB]));
}
