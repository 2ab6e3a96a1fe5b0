import type { Batches } from '../store/archive.js';
import { ByteReader } from './byte-reader.js';
import { damaged } from './damaged.js';

/** A document of MongoDB has at most 16 MiB, and the server's own fields a little more. */
const MAX_DOCUMENT = 16 * 1024 * 1024 + 16_384;
const LEAST_DOCUMENT = 5;
const BATCH = 500;
const BATCH_BYTES = 4 * 1024 * 1024;

/** Documents one after another, as `mongodump` writes them and `bsondump` reads them; each begins with its length. */
export async function* joined(batches: Batches, onBatch: (documents: number, bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const batch of batches) {
    const bytes = Buffer.concat(batch);
    onBatch(batch.length, bytes.length);
    yield bytes;
  }
}

/** The way back. Throws InterlockError for what is no series of documents. */
export async function* split(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer[]> {
  const reader = new ByteReader(chunks);
  try {
    for (let batch = await batchFrom(reader); batch.length > 0; batch = await batchFrom(reader)) yield batch;
  } finally {
    await reader.close();
  }
}

async function batchFrom(reader: ByteReader): Promise<Buffer[]> {
  const batch: Buffer[] = [];
  let bytes = 0;
  while (batch.length < BATCH && bytes < BATCH_BYTES) {
    const next = await oneFrom(reader);
    if (!next) break;
    batch.push(next);
    bytes += next.length;
  }
  return batch;
}

async function oneFrom(reader: ByteReader): Promise<Buffer | undefined> {
  const head = await reader.take(4);
  if (!head) return undefined;
  const length = head.readInt32LE();
  if (length < LEAST_DOCUMENT || length > MAX_DOCUMENT) throw damaged(`a document says that it has ${length} bytes`);
  const body = await reader.take(length - 4);
  if (body?.at(-1) !== 0) throw damaged('a document does not end as it should');
  return Buffer.concat([head, body]);
}
