import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';

import { damaged } from './damaged.js';

/** One file of a backup. */
export interface Part {
  /** Below the backup's folder. */
  path: string;
  bytes: number;
  sha256: string;
}

/** Content is mostly compressed already, and the levels above cost three times as much for a tenth less. */
const LEVEL = 3;

/** Streams to a file that was not there, compressed, for the owner alone; resolves when it is on the disk. */
export async function writePart(
  folder: string,
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Part> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const hash = createHash('sha256');
  let bytes = 0;
  const measured = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  const out = createWriteStream(file, { flags: 'wx', mode: 0o600 });
  // One chunk ahead: the database's are 4 MiB.
  await pipeline(Readable.from(chunks, { highWaterMark: 1 }), createGzip({ level: LEVEL }), measured, out, { signal });
  await synced(file);
  return { path, bytes, sha256: hash.digest('hex') };
}

export async function synced(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The content of a compressed file. Throws InterlockError when it is not whole. */
export async function* readPart(folder: string, path: string): AsyncGenerator<Uint8Array> {
  const source = createReadStream(join(folder, path));
  const unpacked = createGunzip();
  const fed = pipeline(source, unpacked).catch((error: unknown) => unpacked.destroy(error as Error));
  try {
    yield* unpacked as AsyncIterable<Buffer>;
    await fed;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_')) throw damaged(`${path} cannot be unpacked (${message})`);
    throw error;
  } finally {
    source.destroy();
    unpacked.destroy();
  }
}

/** What stands on the disk, whatever it is. */
export async function digestOf(file: string, signal: AbortSignal): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(file, { signal, highWaterMark: 1_048_576 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
