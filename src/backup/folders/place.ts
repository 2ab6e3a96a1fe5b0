import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, lchown, lstat, mkdir, open, readlink, realpath, rename, rm, symlink, utimes } from 'node:fs/promises';

import { refused } from '../damaged.js';
import type { ReadEntry } from '../tar/read.js';
import { isWithin, joinNames, onDisk, shown } from './names.js';

/** Where files are put back. Names as `named` makes them. */
export interface Placing {
  /** Absolute. */
  root: string;
  /** Ends the name of what stood in the place of a file, where that is to be kept; undefined: it is overwritten. */
  keepAs?: string;
  signal: AbortSignal;
}

export interface Placed {
  written: number;
  /** Stood there already, byte for byte. */
  same: number;
  /** Something else stood there. */
  replaced: number;
}

/** In the folder of a file until that is whole; one at a time, and no longer than any name may be. */
const COMING = '.interlock-restoring';
/** So many are told by name. */
const MOST_TOLD = 10;

/** Puts everything in its place, file by file; what is there besides stays. Throws InterlockError for what stands in the way. */
export async function place(entries: AsyncIterable<ReadEntry>, placing: Placing): Promise<Placed> {
  await mkdir(onDisk(placing.root), { recursive: true, mode: 0o700 });
  const root = (await realpath(onDisk(placing.root), 'buffer')).toString('latin1');
  const placed: Placed = { written: 0, same: 0, replaced: 0 };
  const locked: { path: string; mode: number }[] = [];
  for await (const entry of entries) {
    placing.signal.throwIfAborted();
    const path = joinNames(root, entry.path);
    await makeParent(root, path);
    if (entry.kind === 'folder') await makeFolder(path, entry, locked);
    else if (entry.kind === 'link') await makeLink(path, entry, placing, placed);
    else await writeFile(path, entry, placing, placed);
  }
  for (const { path, mode } of locked.reverse()) await chmod(onDisk(path), mode);
  return placed;
}

/** What stands in their place and is not the same, the first of them. Changes nothing. */
export async function differences(entries: AsyncIterable<ReadEntry>, rootName: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of entries) {
    const path = joinNames(rootName, entry.path);
    const why = await difference(path, entry);
    if (why !== undefined) found.push(`${shown(path)} ${why}`);
    if (found.length === MOST_TOLD) break;
  }
  return found;
}

async function difference(path: string, entry: ReadEntry): Promise<string | undefined> {
  const there = await statOf(path);
  if (!there) return undefined;
  if (entry.kind === 'folder') return there.isDirectory() ? undefined : 'is no folder';
  if (there.isDirectory()) return 'is a folder';
  if (entry.kind === 'link')
    return there.isSymbolicLink() && (await targetAt(path)) === entry.target ? undefined : 'is another one';
  if (!there.isFile() || there.size !== entry.size) return 'is another one';
  return (await digestAt(path)) === (await digest(entry.content)) ? undefined : 'is another one';
}

function comingTo(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1) + COMING;
}

/** A folder on the way may be a link that an administrator made, but not one that leads out of the root. */
async function makeParent(root: string, path: string): Promise<void> {
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  await mkdir(onDisk(parent), { recursive: true, mode: 0o700 });
  const real = (await realpath(onDisk(parent), 'buffer')).toString('latin1');
  if (root !== '/' && !isWithin(real, root))
    throw refused(`${shown(parent)} is a link that leads out of ${shown(root)}: nothing is put there.`);
}

async function makeFolder(path: string, entry: ReadEntry, locked: { path: string; mode: number }[]): Promise<void> {
  const there = await statOf(path);
  if (there && !there.isDirectory() && !there.isSymbolicLink())
    throw refused(`${shown(path)} stands where a folder is to be: move it away.`);
  if (there) return;
  await mkdir(onDisk(path), { mode: 0o700 });
  await own(path, entry);
  if ((entry.mode & 0o700) === 0o700) await chmod(onDisk(path), entry.mode);
  else locked.push({ path, mode: entry.mode }); // when everything is in it
}

async function makeLink(path: string, entry: ReadEntry, placing: Placing, placed: Placed): Promise<void> {
  const there = await statOf(path);
  if (there?.isSymbolicLink() === true && (await targetAt(path)) === entry.target) {
    placed.same += 1;
    return;
  }
  const coming = comingTo(path);
  await rm(onDisk(coming), { force: true });
  await symlink(onDisk(entry.target), onDisk(coming));
  await own(coming, entry);
  await takePlace(path, placing, placed);
}

async function writeFile(path: string, entry: ReadEntry, placing: Placing, placed: Placed): Promise<void> {
  const coming = comingTo(path);
  await rm(onDisk(coming), { force: true }); // of a restore that was killed
  const hash = createHash('sha256');
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(onDisk(coming), flags, 0o600);
  try {
    for await (const chunk of entry.content) {
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    await file.chmod(entry.mode);
    await file.sync();
  } finally {
    await file.close();
  }
  const there = await statOf(path);
  if (there?.isFile() === true && there.size === entry.size && (await digestAt(path)) === hash.digest('hex')) {
    await rm(onDisk(coming));
    placed.same += 1;
    return;
  }
  await own(coming, entry);
  await utimes(onDisk(coming), entry.mtime, entry.mtime);
  await takePlace(path, placing, placed);
}

async function takePlace(path: string, { keepAs }: Placing, placed: Placed): Promise<void> {
  const there = await statOf(path);
  if (there?.isDirectory() === true) throw refused(`${shown(path)} is a folder where a file is to be: move it away.`);
  if (there && keepAs !== undefined) await rename(onDisk(path), onDisk(path + keepAs));
  await rename(onDisk(comingTo(path)), onDisk(path));
  if (there) placed.replaced += 1;
  else placed.written += 1;
}

/** Only root can give files to others. */
async function own(path: string, { uid, gid }: ReadEntry): Promise<void> {
  if (process.getuid?.() === 0) await lchown(onDisk(path), uid, gid);
}

async function statOf(path: string): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
  try {
    return await lstat(onDisk(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function targetAt(path: string): Promise<string> {
  return (await readlink(onDisk(path), 'buffer')).toString('latin1');
}

async function digestAt(path: string): Promise<string> {
  const file = await open(onDisk(path), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await digest(file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>);
  } finally {
    await file.close();
  }
}

async function digest(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}
