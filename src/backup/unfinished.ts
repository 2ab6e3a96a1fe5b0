import { mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import type { ProcessIdentity } from '../core/process.js';
import { identify, provedGone } from '../process/identity.js';
import { refused } from './damaged.js';
import { synced } from './part.js';

const OWNER = 'owner.json';
/** Between the making of a folder and the name of its owner in it lies a moment; a folder that has none for so long was left behind in it. */
const OWNERLESS_MS = 60_000;

/** A backup that is being written: under another name, so that nobody takes it for one before it is whole. */
export interface Unfinished {
  /** Where it is written. */
  folder: string;
  /** What it is to become. */
  target: string;
}

/**
 * Takes the place of `directory`, which must not be there, or empty. What a killed backup left in its place is removed. Throws InterlockError when there is
 * something else, or another backup writes there.
 */
export async function begin(directory: string): Promise<Unfinished> {
  const parent = dirname(resolve(directory));
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const target = join(await realpath(parent), basename(resolve(directory)));
  await refuseOccupied(target);
  const folder = `${target}.unfinished`;
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await removeAbandoned(folder);
    await mkdir(folder, { mode: 0o700 });
  }
  await writeFile(join(folder, OWNER), JSON.stringify(identify()), { flag: 'wx', mode: 0o600 });
  return { folder, target };
}

/** From here on it is a backup. */
export async function publish({ folder, target }: Unfinished): Promise<void> {
  await rm(join(folder, OWNER));
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await synced(join(folder, entry.name));
  await synced(folder);
  await refuseOccupied(target);
  await rename(folder, target);
  await synced(dirname(target));
}

export async function discard({ folder }: Unfinished): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

async function refuseOccupied(target: string): Promise<void> {
  const names = await readdir(target).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw refused(`A backup cannot be written to ${target}: ${(error as Error).message}.`);
  });
  if (names.length > 0) throw refused(`${target} is not empty: a backup is written to a folder that is not there yet.`);
}

async function removeAbandoned(folder: string): Promise<void> {
  const text = await readFile(join(folder, OWNER), 'utf8').catch(() => undefined);
  if (text === undefined ? await isOlder(folder, OWNERLESS_MS) : isOver(text))
    return rm(folder, { recursive: true, force: true });
  throw refused(
    `Another backup is being written to ${folder}. If it is not (it was killed on another machine), remove that folder.`,
  );
}

async function isOlder(folder: string, ms: number): Promise<boolean> {
  return new Date().getTime() - (await stat(folder)).mtimeMs > ms;
}

function isOver(text: string): boolean {
  try {
    return provedGone(JSON.parse(text) as ProcessIdentity);
  } catch {
    return true; // cut off in the middle of a line: whoever wrote it is gone
  }
}
