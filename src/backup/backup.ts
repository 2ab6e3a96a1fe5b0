import { randomUUID } from 'node:crypto';

import type { Clock } from '../process/runtime.js';
import type { BrokerInventory } from '../broker/inventory.js';
import type { ArchiveStore, Snapshot } from '../store/archive.js';
import { explained } from './damaged.js';
import { joined } from './documents.js';
import { packFolder, type Source } from './folders/pack.js';
import { FORMAT, VERSION, type CollectionPart, type FolderPart, type Manifest } from './manifest.js';
import { writePart, type Part } from './part.js';
import { Meter, sizeText, type Note } from './progress.js';
import { seal } from './seal.js';
import { begin, discard, publish, type Unfinished } from './unfinished.js';

export interface BackupDeps {
  archive: Pick<ArchiveStore, 'database' | 'snapshot'>;
  /** What stands at the broker in these queues; undefined when it does not answer. */
  inventory: (queues: readonly string[], workers: readonly string[]) => Promise<BrokerInventory | undefined>;
  sources: readonly Source[];
  /** The options in force, with where each came from: for the record. */
  inForce: object;
  versions: Manifest['versions'];
  clock: Clock;
  note: Note;
  signal: AbortSignal;
}

export interface BackupReport {
  directory: string;
  id: string;
  /** Everything that was answered before this moment of the database's clock is in it. */
  cutAt: string;
  documents: number;
  files: number;
  bytes: number;
  leftOut: number;
  brokerReached: boolean;
  durationMs: number;
}

/**
 * Everything of a deployment, while it works: the database at one moment, then what lies on the disk, which only grows by what that moment knows. Throws
 * InterlockError and StoreError; nothing is left then.
 */
export async function backup(deps: BackupDeps, directory: string): Promise<BackupReport> {
  const startedAtMs = deps.clock.monotonicMs();
  const unfinished = await begin(directory).catch((error: unknown) => {
    throw explained(error, `A backup cannot be written to ${directory}`);
  });
  try {
    const { database, queues, workers } = await dumpDatabase(deps, unfinished);
    const broker = await recordBroker(deps, unfinished, queues, workers);
    const inForce = await writePart(unfinished.folder, 'settings/in-force.json.gz', json(deps.inForce), deps.signal);
    const folders = await packFolders(deps, unfinished);
    const durationMs = Math.round(deps.clock.monotonicMs() - startedAtMs);
    const manifest: Manifest = {
      ...{ format: FORMAT, version: VERSION, id: randomUUID(), createdAt: deps.clock.wall().toISOString(), durationMs },
      versions: deps.versions,
      database: database.described,
      broker: broker.described,
      folders: folders.described,
      parts: [...database.parts, broker.part, inForce, ...folders.parts],
    };
    await seal(unfinished.folder, manifest);
    await publish(unfinished);
    return reportOf(unfinished.target, manifest);
  } catch (error) {
    await discard(unfinished);
    throw explained(error, 'The backup failed, and nothing of it is left');
  }
}

interface Dumped {
  database: { described: Manifest['database']; parts: Part[] };
  queues: string[];
  workers: string[];
}

/** First of all, and as fast as it gets: the server remembers that moment for a few minutes. */
async function dumpDatabase(deps: BackupDeps, { folder }: Unfinished): Promise<Dumped> {
  const { archive, note } = deps;
  const view = await archive.snapshot();
  try {
    note(`database "${archive.database}" as it was at ${view.at.toISOString()}: ${view.collections.length} collections`);
    const [queues, workers] = [await view.queues(), await view.workers()];
    const parts: Part[] = [];
    const collections: CollectionPart[] = [];
    for (const name of view.collections) {
      const { part, described } = await dumpCollection(deps, view, folder, name);
      parts.push(part);
      collections.push(described);
    }
    const { at, moment, schema, given, leftOut } = view;
    const cut = { at: at.toISOString(), moment };
    const described = { name: archive.database, schema, cut, given, collections, leftOut: [...leftOut] };
    return { database: { described, parts }, queues, workers };
  } finally {
    await view.close();
  }
}

async function dumpCollection(
  { clock, note, signal }: BackupDeps,
  view: Snapshot,
  folder: string,
  name: string,
): Promise<{ part: Part; described: CollectionPart }> {
  const meter = new Meter(`  ${name}`, note, clock);
  const path = `database/${fileName(name)}.bson.gz`;
  const documents = joined(view.documents(name), (count, bytes) => meter.add(count, bytes));
  const part = await writePart(folder, path, documents, signal);
  note(`  ${name}: ${meter.count.toLocaleString('en')} documents, ${sizeText(meter.bytes)}, packed ${sizeText(part.bytes)}`);
  return { part, described: { name, path, documents: meter.count, bytes: meter.bytes } };
}

function fileName(collection: string): string {
  return encodeURIComponent(collection).replace(/[!'()*~]/g, character => `%${character.charCodeAt(0).toString(16)}`);
}

async function recordBroker(
  { inventory, note, signal }: BackupDeps,
  { folder }: Unfinished,
  queues: readonly string[],
  workers: readonly string[],
): Promise<{ part: Part; described: Manifest['broker'] }> {
  const found = await inventory(queues, workers);
  note(
    found
      ? `broker: ${found.queues.length} queues (what stands in them are hints, which are made anew)`
      : 'broker: it does not answer, so only the names of its queues are recorded; everything at it is made anew from the database',
  );
  const path = 'broker/topology.json.gz';
  const part = await writePart(folder, path, json({ queues, workers, ...(found && { inventory: found }) }), signal);
  return { part, described: { reached: found !== undefined, path, queues: found?.queues.length ?? queues.length } };
}

async function packFolders(
  { sources, clock, note, signal }: BackupDeps,
  { folder }: Unfinished,
): Promise<{ described: FolderPart[]; parts: Part[] }> {
  const described: FolderPart[] = [];
  const parts: Part[] = [];
  for (const source of sources) {
    const packed = await packFolder(source, folder, { clock, note, signal });
    described.push(packed.described);
    parts.push(packed.part);
  }
  return { described, parts };
}

async function* json(value: object): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`));
}

function reportOf(directory: string, { id, database, broker, folders, parts, durationMs }: Manifest): BackupReport {
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
  return {
    ...{ directory, id, cutAt: database.cut.at, durationMs, brokerReached: broker.reached },
    documents: sum(database.collections.map(each => each.documents)),
    files: sum(folders.map(each => each.entries)),
    bytes: sum(parts.map(each => each.bytes)),
    leftOut: sum(folders.map(each => each.leftOutCount)) + database.leftOut.length,
  };
}
