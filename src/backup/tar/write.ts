import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

import { refused } from '../damaged.js';
import { onDisk, shown } from '../folders/names.js';
import type { Found, LeftOut } from '../folders/walk.js';
import { BLOCK, headerOf, paddingOf } from './header.js';

/** A file of this size is read as a whole, and again when it has changed meanwhile. */
const SMALL = 1_048_576;
const TRIES = 3;
const END = Buffer.alloc(2 * BLOCK);

export interface Packing {
  leftOut: LeftOut;
  onEntry: (bytes: number) => void;
}

/** An archive of these. A large file that changes while it is read is taken with the size it had first, and told. */
export async function* tarOf(entries: AsyncIterable<Found>, { leftOut, onEntry }: Packing): AsyncGenerator<Buffer> {
  for await (const entry of entries) {
    if (entry.kind !== 'file') yield headerOf(entry);
    else if (!(yield* file(entry, leftOut))) continue;
    onEntry(entry.size);
  }
  yield END;
}

/** Whether there was one. */
async function* file(entry: Found, leftOut: LeftOut): AsyncGenerator<Buffer, boolean> {
  const handle = await opened(entry, leftOut);
  if (!handle) return false;
  try {
    const { size } = await handle.stat();
    entry.size = size;
    if (size > SMALL) yield* large(entry, handle, leftOut);
    else yield* small(entry, handle, leftOut);
    return true;
  } finally {
    await handle.close();
  }
}

/** Not through a link that has just taken its place, and not waiting for the other end of a pipe. */
async function opened({ path, file: place }: Found, leftOut: LeftOut): Promise<FileHandle | undefined> {
  try {
    const handle = await open(onDisk(place), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    leftOut(path, 'it is no file any more');
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'ELOOP' || code === 'ENXIO') {
      leftOut(path, 'it is no file any more');
      return undefined;
    }
    throw refused(`${shown(place)} cannot be read (${message}): back up as the user that owns it.`);
  }
}

async function* small(entry: Found, handle: FileHandle, leftOut: LeftOut): AsyncGenerator<Buffer> {
  let content: Buffer = Buffer.alloc(0);
  for (let n = 1; n <= TRIES; n += 1) {
    const before = await handle.stat();
    content = await whole(handle, Math.min(before.size, SMALL));
    const after = await handle.stat();
    if (before.mtimeMs === after.mtimeMs && before.size === after.size && content.length === after.size) break;
    if (n === TRIES) leftOut(entry.path, 'it changed while it was read: what was read is in');
  }
  entry.size = content.length;
  yield Buffer.concat([headerOf(entry), content, Buffer.alloc(paddingOf(content.length))]);
}

async function whole(handle: FileHandle, size: number): Promise<Buffer> {
  const buffer = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await handle.read(buffer, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

async function* large(entry: Found, handle: FileHandle, leftOut: LeftOut): AsyncGenerator<Buffer> {
  const before = await handle.stat();
  yield headerOf(entry);
  let at = 0;
  while (at < entry.size) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(SMALL, entry.size - at)), 0, null, at);
    if (bytesRead === 0) break;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
  for (let missing = entry.size - at; missing > 0; missing -= SMALL) yield Buffer.alloc(Math.min(SMALL, missing));
  yield Buffer.alloc(paddingOf(entry.size));
  const after = await handle.stat();
  if (before.mtimeMs === after.mtimeMs && before.size === after.size) return;
  leftOut(entry.path, 'it changed while it was read: what was read is in, with the size it had first');
}
