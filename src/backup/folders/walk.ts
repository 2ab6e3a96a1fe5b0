import { type BigIntStats, type Stats } from 'node:fs';
import { lstat, readdir, readlink, realpath } from 'node:fs/promises';

import { refused } from '../damaged.js';
import type { Entry } from '../tar/header.js';
import { isWithin, joinNames, onDisk, shown, targetOf } from './names.js';

/** What goes into one archive. Names as `named` makes them. */
export interface Tree {
  /** Absolute. */
  root: string;
  /** Files and folders below it; '' is the root itself. */
  paths: readonly string[];
  /** What is not to be taken, by its path below the root. */
  leaveOut: (path: string) => boolean;
}

/** An entry and where its content stands. */
export type Found = Entry & { file: string };

export type LeftOut = (path: string, why: string) => void;

/**
 * Everything that lies below, folders before what is in them, in order of name. What vanishes meanwhile is passed over; what is neither file, folder nor
 * link, and links that lead out, are told. Throws InterlockError for what this user may not read.
 */
export async function* walk(tree: Tree, leftOut: LeftOut): AsyncGenerator<Found> {
  for (const path of tree.paths) {
    const given = joinNames(tree.root, path);
    const real = await realpath(onDisk(given), 'buffer').catch(gone);
    if (!real) leftOut(path, 'it is not there');
    else yield* below({ tree, leftOut, top: path }, path, real.toString('latin1'));
  }
}

interface Walk {
  tree: Tree;
  leftOut: LeftOut;
  top: string;
}

async function* below(way: Walk, path: string, file: string): AsyncGenerator<Found> {
  const found = await readable(file, () => lstat(onDisk(file)));
  if (!found || (path !== way.top && way.tree.leaveOut(path))) return;
  if (found.isFile()) yield entry('file', path, file, found);
  else if (found.isSymbolicLink()) yield* link(way, path, file, found);
  else if (!found.isDirectory()) way.leftOut(path, `it is a ${kindOf(found)}`);
  else {
    if (path !== '') yield entry('folder', path, file, found);
    const names = (await readable(file, () => readdir(onDisk(file), { encoding: 'buffer' }))) ?? [];
    const inOrder = names.map(name => name.toString('latin1')).sort();
    for (const name of inOrder) yield* below(way, joinNames(path, name), joinNames(file, name));
  }
}

/** A link is kept as one where its target is kept too; elsewhere it would lead to something else, or to nothing. */
async function* link({ tree, leftOut, top }: Walk, path: string, file: string, found: Stats): AsyncGenerator<Found> {
  const target = (await readable(file, () => readlink(onDisk(file), 'buffer')))?.toString('latin1');
  if (target === undefined) return;
  const leads = targetOf(path, target, tree.root);
  if (leads !== undefined && isWithin(leads, top)) yield { ...entry('link', path, file, found), target, size: 0 };
  else leftOut(path, `it is a link that leads out (${shown(target)})`);
}

function entry(kind: Entry['kind'], path: string, file: string, found: Stats): Found {
  const { mode, uid, gid, size, mtimeMs } = found;
  return {
    kind,
    path,
    file,
    target: '',
    size: kind === 'file' ? size : 0,
    mode: mode & 0o7777,
    uid,
    gid,
    mtime: mtimeMs / 1_000,
  };
}

function kindOf(found: Stats | BigIntStats): string {
  if (found.isSocket()) return 'socket';
  return found.isFIFO() ? 'pipe' : 'device';
}

function gone(error: unknown): undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw refused(`It cannot be read (${message}): back up as the user that owns it.`);
}

/** Undefined: it is not there any more. */
async function readable<T>(file: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw refused(`${shown(file)} cannot be read (${message}): back up as the user that owns it.`);
  }
}
