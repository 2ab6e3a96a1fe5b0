import { isDeepStrictEqual } from 'node:util';
import { MongoServerError, type Db, type IndexDescriptionInfo } from 'mongodb';
import { InterlockError } from '../../core/errors.js';
import { read, write, LIMIT } from './calls.js';
import type { CounterDocument, LeaseDocument, MetaDocument } from './database.js';
import { INDEXES, type IndexDefinition } from './indexes.js';

/** Raised when a newer Interlock writes records that an older one would misread. */
export const SCHEMA = 1;

export interface ManageReport {
  /** What was missing and is there now, as `index tasks.seq`. Empty: nothing had to be done. */
  created: string[];
}

/** Building an index over millions of tasks takes minutes. */
const BUILD_MS = 15 * 60_000;

/**
 * Brings the database to what this version needs: collections, indexes, the few documents that are never inserted later. Safe to repeat and to
 * run several times at once. Indexes that are not ours are left alone.
 * Throws InterlockError `CONFLICT` for a newer schema, and for an index of ours that differs (it is never rebuilt unasked: dropping a unique index
 * under running processes would take away what keeps numbers and slots unique). Throws StoreError.
 */
export async function manage(db: Db): Promise<ManageReport> {
  await refuseNewerSchema(db);
  const created: string[] = [];
  for (const [collection, indexes] of INDEXES) {
    if (await createCollection(db, collection)) created.push(`collection ${collection}`);
    for (const index of await missingIndexes(db, collection, indexes)) {
      await createIndex(db, collection, index);
      created.push(`index ${collection}.${index.name}`);
    }
  }
  created.push(...(await createDocuments(db)));
  return { created };
}

/** Throws InterlockError `CONFLICT` that names what is missing or wrong and says what mends it. Changes nothing. */
export async function check(db: Db): Promise<void> {
  await refuseNewerSchema(db);
  const missing: string[] = [];
  for (const [collection, indexes] of INDEXES) {
    for (const index of await missingIndexes(db, collection, indexes)) missing.push(`index ${collection}.${index.name}`);
  }
  missing.push(...(await missingDocuments(db)));
  if (missing.length === 0) return;
  const some = missing.slice(0, 3).join(', ') + (missing.length > 3 ? `, and ${missing.length - 3} more` : '');
  throw new InterlockError(
    'CONFLICT',
    `The database "${db.databaseName}" is not ready (missing: ${some}). Run \`interlock manage-db\`.`,
  );
}

async function refuseNewerSchema(db: Db): Promise<void> {
  const meta = await read('schema', () => db.collection<MetaDocument>('meta').findOne({ _id: 'deployment' }, LIMIT));
  if (!meta || meta.schema <= SCHEMA) return;
  throw new InterlockError(
    'CONFLICT',
    `The database "${db.databaseName}" has schema ${meta.schema}; this Interlock knows ${SCHEMA}. Use the Interlock that wrote it, or a newer one.`,
  );
}

async function createCollection(db: Db, name: string): Promise<boolean> {
  const existing = await read('collections', () => db.listCollections({ name }, { nameOnly: true, ...LIMIT }).toArray());
  if (existing.length > 0) return false;
  return write('create collection', async () => {
    try {
      await db.createCollection(name, LIMIT);
      return true;
    } catch (error) {
      if (error instanceof MongoServerError && error.code === NAMESPACE_EXISTS) return false;
      throw error;
    }
  });
}

const NAMESPACE_EXISTS = 48;
const NAMESPACE_NOT_FOUND = 26;
/** IndexOptionsConflict, IndexKeySpecsConflict: somebody built another one under this name at the same time. */
const INDEX_CONFLICTS = new Set<unknown>([85, 86]);

async function missingIndexes(db: Db, collection: string, wanted: readonly IndexDefinition[]): Promise<IndexDefinition[]> {
  const existing = await read('indexes', () => listIndexes(db, collection));
  const byName = new Map(existing.map(index => [index.name, index]));
  for (const index of wanted) {
    const found = byName.get(index.name);
    if (found && !isSame(found, index)) throw differs(collection, index.name);
  }
  return wanted.filter(index => !byName.has(index.name));
}

async function listIndexes(db: Db, collection: string): Promise<IndexDescriptionInfo[]> {
  try {
    return (await db.collection(collection).listIndexes(LIMIT).toArray()) as IndexDescriptionInfo[];
  } catch (error) {
    if (error instanceof MongoServerError && error.code === NAMESPACE_NOT_FOUND) return [];
    throw error;
  }
}

function isSame(found: IndexDescriptionInfo, wanted: IndexDefinition): boolean {
  return (
    isDeepStrictEqual(Object.entries(found.key), Object.entries(wanted.key)) &&
    (found.unique ?? false) === (wanted.unique ?? false) &&
    found.expireAfterSeconds === wanted.expireAfterSeconds &&
    isDeepStrictEqual(found.partialFilterExpression, wanted.partialFilterExpression)
  );
}

function differs(collection: string, name: string): InterlockError {
  const remedy = `stop all Interlock processes, drop it (mongosh: db.${collection}.dropIndex('${name}')) and run \`interlock manage-db\``;
  return new InterlockError('CONFLICT', `The index "${name}" of "${collection}" is not the one that Interlock needs: ${remedy}.`);
}

async function createIndex(db: Db, collection: string, index: IndexDefinition): Promise<void> {
  await write(
    `create index ${collection}.${index.name}`,
    async () => {
      try {
        await db.collection(collection).createIndexes([{ ...index }]);
      } catch (error) {
        if (error instanceof MongoServerError && INDEX_CONFLICTS.has(error.code)) throw differs(collection, index.name);
        throw error;
      }
    },
    BUILD_MS,
  );
}

interface Fixed {
  collection: string;
  document: CounterDocument | LeaseDocument | MetaDocument;
}

/** No lease has a holder at first, and both have lapsed; the first fence is 1, since 0 means "no grant". */
function fixedDocuments(): Fixed[] {
  const free = { holder: '', incarnation: '', session: null, epoch: 0, until: new Date(0), fence: 1, floor: 0 };
  return [
    { collection: 'counters', document: { _id: 'seq', n: 0 } },
    { collection: 'leases', document: { _id: 'resource-manager', ...free } },
    { collection: 'leases', document: { _id: 'beat', ...free } },
    { collection: 'meta', document: { _id: 'deployment', schema: SCHEMA, generation: 1, seqHigh: 0, createdAt: new Date() } },
  ];
}

async function createDocuments(db: Db): Promise<string[]> {
  const created: string[] = [];
  for (const { collection, document } of fixedDocuments()) {
    const { _id, ...fields } = document;
    const result = await write(`create ${collection}.${_id}`, () =>
      db.collection<{ _id: string }>(collection).updateOne({ _id }, { $setOnInsert: fields }, { upsert: true, ...LIMIT }),
    );
    if (result.upsertedCount > 0) created.push(`document ${collection}.${_id}`);
  }
  return created;
}

async function missingDocuments(db: Db): Promise<string[]> {
  const missing: string[] = [];
  for (const { collection, document } of fixedDocuments()) {
    const { _id } = document;
    const found = await read(`find ${collection}.${_id}`, () =>
      db.collection<{ _id: string }>(collection).findOne({ _id }, LIMIT),
    );
    if (!found) missing.push(`document ${collection}.${_id}`);
  }
  return missing;
}
