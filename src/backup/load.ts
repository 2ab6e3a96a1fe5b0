import type { Clock } from '../process/runtime.js';
import type { ArchiveStore, Change } from '../store/archive.js';
import { split } from './documents.js';
import type { Manifest } from './manifest.js';
import { readPart } from './part.js';
import { Meter, type Note } from './progress.js';

export interface LoadReport {
  documents: number;
  canceled: number;
  requeued: number;
}

/** Every collection, beside what is there. Throws InterlockError, StoreError. */
export async function loadAll(
  archive: ArchiveStore,
  from: { folder: string; manifest: Manifest },
  change: Change,
  { clock, note, signal }: { clock: Clock; note: Note; signal: AbortSignal },
): Promise<LoadReport> {
  const report: LoadReport = { documents: 0, canceled: 0, requeued: 0 };
  for (const { name, path } of from.manifest.database.collections) {
    const meter = new Meter(`  ${name}`, note, clock);
    const loaded = await archive.load(name, split(readPart(from.folder, path)), change, count => {
      signal.throwIfAborted();
      meter.add(count, 0);
    });
    note(`  ${name}: ${loaded.documents.toLocaleString('en')} documents`);
    report.documents += loaded.documents;
    report.canceled += loaded.canceled;
    report.requeued += loaded.requeued;
  }
  return report;
}
