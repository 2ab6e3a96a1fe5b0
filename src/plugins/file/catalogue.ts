import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

import type { Incoming } from './content.js';
import { MANIFEST, parseLine, type Entry } from './manifest.js';

/**
 * The manifest of a version, as it is kept and published: lines in byte order of their names. Kept as content, so that equal versions
 * are equal files, and searched on disk, so that a million names cost no memory.
 */
export interface Catalogue {
  sha256: string;
  /** Bytes of the manifest itself. */
  size: number;
}

const BLOCK = 4_096; // the longest line that a manifest may have
const NEWLINE = 0x0a;

/** Writes the manifest of these entries into the content store. */
export async function writeCatalogue(entries: readonly Entry[], incoming: Incoming): Promise<Catalogue> {
  const sorted = entries.map(entry => ({ entry, key: Buffer.from(entry.name) })).sort((a, b) => Buffer.compare(a.key, b.key));
  const lines = sorted.map(({ entry }) => Buffer.from(`${entry.name},${entry.sha256},${entry.size}\n`));
  const hash = createHash('sha256');
  for (const line of lines) hash.update(line);
  const sha256 = hash.digest('hex');
  const size = lines.reduce((sum, line) => sum + line.length, 0);
  await incoming.put({ name: MANIFEST, sha256, size }, blocksOf(lines));
  return { sha256, size };
}

/** Finds one name by halving the file: about 20 reads of 8 KiB in 64 MiB. */
export async function findEntry(file: FileHandle, size: number, name: string): Promise<Entry | undefined> {
  const wanted = Buffer.from(name);
  let low = 0; // the line, if it is there, begins at or after `low` and before `high`
  let high = size;
  while (low < high) {
    const { start, end, entry } = await lineAt(file, size, Math.floor((low + high) / 2));
    const order = Buffer.compare(Buffer.from(entry.name), wanted);
    if (order === 0) return entry;
    if (order < 0) low = end;
    else high = start;
  }
  return undefined;
}

/** The first `limit` entries. */
export async function firstEntries(file: FileHandle, size: number, limit: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let position = 0; position < size && entries.length < limit;) {
    const { end, entry } = await lineAt(file, size, position);
    entries.push(entry);
    position = end;
  }
  return entries;
}

/** The line that holds the byte at `position`; `end` is where the next one begins. */
async function lineAt(file: FileHandle, size: number, position: number): Promise<{ start: number; end: number; entry: Entry }> {
  const from = Math.max(0, position - BLOCK);
  const block = Buffer.alloc(Math.min(size, position + BLOCK) - from);
  const { bytesRead } = await file.read(block, 0, block.length, from);
  if (bytesRead < block.length) throw new Error(`The manifest ends at byte ${from + bytesRead}, before its ${size} bytes.`);
  const at = position - from;
  const start = at === 0 ? 0 : block.lastIndexOf(NEWLINE, at - 1) + 1;
  const end = block.indexOf(NEWLINE, at);
  const entry = parseLine(block.toString('utf8', start, end), 0);
  return { start: from + start, end: from + end + 1, entry };
}

/** Few large writes instead of a million small ones. */
async function* blocksOf(lines: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (let index = 0; index < lines.length; index += 1_000)
    yield await Promise.resolve(Buffer.concat(lines.slice(index, index + 1_000)));
}
