import type { Clock } from '../process/runtime.js';
import { damaged } from './damaged.js';
import { split } from './documents.js';
import { named, PathCheck } from './folders/names.js';
import type { FolderPart, Manifest } from './manifest.js';
import { readPart } from './part.js';
import { Meter, type Note } from './progress.js';
import { readThrough, readTopology } from './record.js';
import { checkSeal, type Checking } from './seal.js';
import { readTar, type ReadEntry } from './tar/read.js';

export interface Examining extends Checking {
  clock: Clock;
  note: Note;
  /** Why this is no document that a database takes; undefined: it is one. */
  flawOf: (document: Uint8Array) => string | undefined;
}

/** All that can be told of a backup without a database: checksums, and that every part is what the manifest says. Throws InterlockError. Changes nothing. */
export async function examine(folder: string, how: Examining): Promise<Manifest> {
  const manifest = await checkSeal(folder, how);
  for (const { name, path, documents } of manifest.database.collections) {
    const meter = new Meter(`reading ${name}`, how.note, how.clock);
    for await (const batch of split(readPart(folder, path))) {
      meter.add(batch.length, 0);
      how.signal.throwIfAborted();
      for (const document of batch) refuseFlawed(path, how.flawOf(document));
    }
    if (meter.count !== documents) throw damaged(`${path} holds ${meter.count} documents, not ${documents}`);
  }
  for (const part of manifest.folders) await examineFolder(folder, part, how);
  await readTopology(folder, manifest.broker.path);
  for (const path of recordsOf(manifest)) await readThrough(folder, path, how.signal);
  return manifest;
}

function refuseFlawed(path: string, flaw: string | undefined): void {
  if (flaw !== undefined) throw damaged(`${path} holds a document that cannot be read (${flaw})`);
}

/** Parts that are there for people. */
function recordsOf({ parts, database, folders, broker }: Manifest): string[] {
  const read = [...database.collections, ...folders, broker].map(({ path }) => path);
  return parts.map(({ path }) => path).filter(path => !read.includes(path));
}

async function examineFolder(folder: string, part: FolderPart, how: Examining): Promise<void> {
  const meter = new Meter(`reading ${part.kind}`, how.note, how.clock);
  for await (const entry of entriesOf(folder, part)) {
    meter.add(1, entry.size);
    how.signal.throwIfAborted();
  }
  if (meter.count !== part.entries) throw damaged(`${part.path} holds ${meter.count} entries, not ${part.entries}`);
}

/** Only what may be put somewhere comes out. Throws InterlockError. */
export async function* entriesOf(folder: string, part: FolderPart): AsyncGenerator<ReadEntry> {
  const check = new PathCheck(part.root, part.tops.map(named));
  for await (const entry of readTar(readPart(folder, part.path))) {
    check.admit(entry);
    yield entry;
  }
}
