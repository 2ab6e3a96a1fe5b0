import type { Collection, Db, Document } from 'mongodb';
import { InterlockError } from '../../../core/errors.js';
import type { Given } from '../../../core/restore.js';
import type { ArchiveStore, Batches, Change, Loaded, Standing, Unfinished } from '../../archive.js';
import { LIMIT, read, write } from '../calls.js';
import { serverNow, type CounterDocument, type Database, type LeaseDocument, type MetaDocument } from '../database.js';
import { isBadData, isDuplicateKey } from '../errors.js';
import type { BackwardsDocument } from '../high-water.js';
import { markOf, marks } from '../restore-mark.js';
import { changed, fixed } from './changed.js';
import { besideName, collectionsOf } from './collections.js';
import { openSnapshot } from './snapshot.js';

/** Whose documents are remade by every restore, and lost with nothing. */
const UNOCCUPIED = new Set(['meta', 'counters', 'leases', 'processes']);
/** A thousand large documents, on a slow server. */
const INSERT_MS = 60_000;
const RENAME_MS = 60_000;

/** `manage` makes what this version needs, however long its indexes take. */
export function mongoArchive(db: Database, manage: () => Promise<unknown>): ArchiveStore {
  const { bulkDb } = db;
  return {
    database: bulkDb.databaseName,
    snapshot: () => openSnapshot(db),
    standing: () => standing(db),
    mark: (unfinished, found) => mark(bulkDb, unfinished, found),
    load: (collection, batches, change, onBatch) => load(bulkDb, collection, batches, { change, onBatch }),
    switchOver: async change => {
      await switchOver(bulkDb, change);
      await manage();
    },
    abandon: () => abandon(bulkDb),
    unmark: async () => {
      await write('take the mark away', () => marks(bulkDb).deleteOne({ _id: 'restore' }, LIMIT));
    },
  };
}

async function standing(db: Database): Promise<Standing> {
  const now = await serverNow(db);
  const unfinished = await markOf(db.bulkDb);
  const { plain } = await collectionsOf(db.bulkDb);
  const occupied: string[] = [];
  for (const name of plain.filter(each => !UNOCCUPIED.has(each))) {
    const some = await read(`look into ${name}`, () =>
      db.bulkDb.collection(name).findOne({}, { ...LIMIT, projection: { _id: 1 } }),
    );
    if (some) occupied.push(name);
  }
  return { now, occupied, given: await givenHere(db), ...(unfinished && { unfinished }) };
}

async function givenHere({ bulkDb }: Database): Promise<Given> {
  const one = <T extends Document>(name: string, _id: string): Promise<T | null> =>
    read(`read ${name}`, () => bulkDb.collection<{ _id: string }>(name).findOne<T>({ _id }, LIMIT));
  const number = (value: unknown): number => (Number.isSafeInteger(value) ? Number(value) : 0);
  const [counter, meta] = [await one<CounterDocument>('counters', 'seq'), await one<MetaDocument>('meta', 'deployment')];
  const leases = [await one<LeaseDocument>('leases', 'resource-manager'), await one<LeaseDocument>('leases', 'beat')];
  const seen = (await one<BackwardsDocument>('meta', 'backwards'))?.seen; // of the newer database that was here before
  return {
    seq: Math.max(number(counter?.n), number(seen?.seq)),
    fence: Math.max(...leases.map(lease => number(lease?.fence)), number(seen?.fence)),
    epoch: Math.max(...leases.map(lease => number(lease?.epoch)), number(seen?.epoch)),
    generation: Math.max(number(meta?.generation), number(seen?.generation)),
  };
}

async function mark(db: Db, unfinished: Unfinished, found: Unfinished | undefined): Promise<void> {
  if (found) return moveMark(db, found, unfinished);
  const inserted = await write('mark the database', async () => {
    try {
      await marks(db).insertOne({ _id: 'restore', ...unfinished }, LIMIT);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  });
  if (!inserted) throw overtaken(db);
}

async function moveMark(db: Db, { backup, by, startedAt }: Unfinished, to: Unfinished): Promise<void> {
  const filter = { _id: 'restore' as const, backup, by, startedAt };
  const moved = await write('mark the database', () => marks(db).replaceOne(filter, { ...to }, LIMIT));
  if (moved.matchedCount === 0) throw overtaken(db);
}

function overtaken(db: Db): InterlockError {
  return new InterlockError('CONFLICT', `Another restore into "${db.databaseName}" began meanwhile: this one stops.`);
}

interface Loading {
  change: Change;
  onBatch: (documents: number) => void;
}

/** Without indexes, which are built at the end, in one go. */
async function load(db: Db, name: string, batches: Batches, { change, onBatch }: Loading): Promise<Loaded> {
  const target = db.collection(besideName(name));
  await write(`clear ${name}`, () => dropped(target));
  await write(`create ${name}`, () => db.createCollection(target.collectionName, LIMIT));
  const loaded: Loaded = { documents: 0, canceled: 0, requeued: 0 };
  for await (const batch of batches) {
    const rows = batch.map(bytes => changed(name, bytes, change)).filter(({ fate }) => fate !== 'dropped');
    if (rows.length > 0)
      await insertAll(
        target,
        rows.map(row => row.document),
      );
    loaded.documents += batch.length;
    loaded.canceled += rows.filter(({ fate }) => fate === 'canceled').length;
    loaded.requeued += rows.filter(({ fate }) => fate === 'requeued').length;
    onBatch(batch.length);
  }
  return loaded;
}

async function insertAll(target: Collection, documents: Document[]): Promise<void> {
  try {
    await write(`load ${target.collectionName}`, () => target.insertMany(documents, { ordered: false, ...LIMIT }), INSERT_MS);
  } catch (error) {
    const cause = error instanceof InterlockError ? error.cause : error;
    if (!isBadData(cause) && !isDuplicateKey(cause)) throw error;
    throw new InterlockError('CONFLICT', `MongoDB refuses a document of ${target.collectionName}: ${(cause as Error).message}`);
  }
}

/** From the first rename on there is only the way forward, and the mark says so; it goes along with its collection. */
async function switchOver(db: Db, change: Change): Promise<void> {
  const mine = await markOf(db);
  if (mine?.backup !== change.backup || mine.startedAt.getTime() !== change.at.getTime()) throw overtaken(db);
  const switching: Unfinished = { ...mine, phase: 'switching' };
  for (const [name, documents] of Object.entries(fixed(change))) await replaceAll(db.collection(besideName(name)), documents);
  await moveMark(db, mine, switching);
  await replaceAll(db.collection(besideName('meta')), [{ _id: 'restore', ...switching }]);
  const { plain, beside } = await collectionsOf(db);
  const coming = beside.map(name => name.slice(besideName('').length));
  // The mark's own collection goes last: a database without it would be taken for a sound one.
  for (const name of coming.toSorted((a, b) => Number(a === 'meta') - Number(b === 'meta'))) {
    await write(`switch ${name}`, () => db.renameCollection(besideName(name), name, { dropTarget: true }), RENAME_MS);
  }
  for (const name of plain.filter(each => !coming.includes(each)))
    await write(`drop ${name}`, () => dropped(db.collection(name)), RENAME_MS);
}

async function replaceAll(target: Collection, documents: readonly Document[]): Promise<void> {
  for (const document of documents) {
    const { _id, ...fields } = document;
    await write(`load ${target.collectionName}`, () =>
      target.replaceOne({ _id: _id as never }, fields, { upsert: true, ...LIMIT }),
    );
  }
}

async function abandon(db: Db): Promise<void> {
  for (const name of (await collectionsOf(db)).beside) await write(`drop ${name}`, () => dropped(db.collection(name)), RENAME_MS);
}

async function dropped(collection: Collection): Promise<unknown> {
  return collection.drop();
}
