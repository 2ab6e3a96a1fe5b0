import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError } from '../setup-error.js';
import { identify, nameOf, parseName, sight, type ProcessIdentity } from './identity.js';

export type Release = () => void;

let tickets = 0;

/**
 * Takes the lock that is the folder `folder`, or gives undefined while a living process has it. A holder is a file whose
 * name says who it is, so a dead one can be removed without a race: nobody else's file bears that name. Whoever still
 * sees another holder after writing its own file steps back; of two holders at least the later one would have seen it.
 */
export function tryLock(folder: string): Release | undefined {
  mkdirSync(folder, { recursive: true });
  if (holders(folder).length > 0) return undefined;
  const mine = `${nameOf(identify(process.pid))}-${++tickets}`;
  writeFileSync(join(folder, mine), '', { flag: 'wx' });
  const release: Release = () => rmSync(join(folder, mine), { force: true });
  if (holders(folder).every(({ file }) => file === mine)) return release;
  release();
  return undefined;
}

/** The first living holder, for messages. */
export function holderOf(folder: string): ProcessIdentity | undefined {
  return holders(folder)[0]?.identity;
}

function holders(folder: string): { file: string; identity: ProcessIdentity }[] {
  const living = [];
  for (const file of readdirSync(folder)) {
    const identity = parseName(file);
    if (!identity) continue;
    if (sight(identity) === 'alive') living.push({ file, identity });
    else rmSync(join(folder, file), { force: true });
  }
  return living;
}

/**
 * Runs `work` while holding the lock; waits for it at most `timeoutMs`.
 * @throws SetupError `busy`
 */
export async function withLock<T>(folder: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let release = tryLock(folder);
  while (!release) {
    if (Date.now() > deadline) {
      throw new SetupError(
        'busy',
        `Waited ${timeoutMs / 1000} s for process ${holderOf(folder)?.pid ?? '?'}, which holds ${folder}`,
      );
    }
    await sleep(50 + Math.random() * 100); // uneven, so that two that stepped back do not meet again
    release = tryLock(folder);
  }
  try {
    return await work();
  } finally {
    release();
  }
}
