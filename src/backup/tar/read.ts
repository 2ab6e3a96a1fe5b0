import { ByteReader } from '../byte-reader.js';
import { damaged } from '../damaged.js';
import { BLOCK, MAX_LONG, paddingOf, readHeader, type Entry, type Header } from './header.js';

/** An entry with its content, which must be read before the next one comes; what is left of it is passed over. */
export type ReadEntry = Entry & { content: AsyncIterable<Uint8Array> };

/** Throws InterlockError for anything but a whole archive. */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ReadEntry> {
  const reader = new ByteReader(chunks);
  try {
    yield* entriesIn(reader);
    for (let rest = await reader.take(BLOCK); rest; rest = await reader.take(BLOCK)) {
      if (rest.some(byte => byte !== 0)) throw damaged('something comes after the end of an archive');
    }
  } finally {
    await reader.close();
  }
}

async function* entriesIn(reader: ByteReader): AsyncGenerator<ReadEntry> {
  let long: { path?: string; target?: string } = {};
  for (let header = readHeader(await block(reader)); header; header = readHeader(await block(reader))) {
    if (header.kind === 'long-name') long = { ...long, path: await longText(reader, header) };
    else if (header.kind === 'long-target') long = { ...long, target: await longText(reader, header) };
    else {
      const content = reader.stream(header.size);
      yield { ...entryOf({ ...header, ...long }), content };
      await passOver(content); // whatever its taker left
      await passOver(reader.stream(paddingOf(header.size)));
      long = {};
    }
  }
}

function entryOf(header: Header): Entry {
  const { kind, path, target, size, mode, uid, gid, mtime } = header;
  if (kind === 'long-name' || kind === 'long-target') throw damaged('an archive names an entry that does not come');
  if (kind !== 'file' && size !== 0) throw damaged(`${path} has content, though it is a ${kind}`);
  return { kind, path: kind === 'folder' ? path.replace(/\/$/, '') : path, target, size, mode, uid, gid, mtime };
}

async function block(reader: ByteReader): Promise<Buffer> {
  const found = await reader.take(BLOCK);
  if (!found) throw damaged('an archive ends without its end');
  return found;
}

async function longText(reader: ByteReader, { size }: Header): Promise<string> {
  if (size < 1 || size > MAX_LONG) throw damaged(`an entry of an archive has a name of ${size} bytes`);
  const bytes = await reader.take(size);
  await passOver(reader.stream(paddingOf(size)));
  return (bytes ?? Buffer.alloc(0)).toString('latin1').split('\0', 1)[0] ?? '';
}

async function passOver(chunks: AsyncIterable<unknown>): Promise<void> {
  const rest = chunks[Symbol.asyncIterator]();
  while ((await rest.next()).done !== true);
}
