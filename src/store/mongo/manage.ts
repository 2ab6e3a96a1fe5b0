import { isDeepStrictEqual } from 'node:util';
import { MongoServerError, type Db, type IndexDescriptionInfo } from 'mongodb';
import { InterlockError } from '../../core/errors.js';
import type { DatabaseDrift } from '../diagnosis.js';
import { LIMIT, read, write } from './calls.js';
import { backwardsOf } from './high-water.js';
import { createDocuments, missingDocuments } from './fixed-documents.js';
import { INDEXES, RETIRED_INDEXES, type IndexDefinition } from './indexes.js';
import { refuseHalfRestored } from './restore-mark.js';
import { raiseSchema, refuseNewerSchema, refuseOtherSchema } from './schema-version.js';

export interface ManageReport {
  /** What was missing and is there now, as `index tasks.seq`. */
  created: string[];
  /** Indexes of earlier versions that are gone now. */
  dropped: string[];
  /** Where the form of the records changed: from which schema, and to which. */
  upgraded?: { from: number; to: number };
}

/** Building an index over millions of tasks takes minutes. */
const BUILD_MS = 15 * 60_000;

/**
 * Brings the database to what this version needs: collections, indexes, the few documents that are never inserted later. Safe to repeat and to
 * run several times at once. Indexes that are not ours are left alone. An older schema is raised, last of all, where an upgrade was begun.
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
  const dropped = await dropRetired(db);
  const upgraded = await raiseSchema(db);
  return { created, dropped, ...(upgraded && { upgraded }) };
}

/** Throws InterlockError `CONFLICT` that names what is missing or wrong and says what mends it. Changes nothing. */
export async function check(db: Db): Promise<void> {
  await refuseHalfRestored(db);
  await refuseOtherSchema(db);
  const missing: string[] = [];
  for (const [collection, indexes] of INDEXES) {
    for (const index of await missingIndexes(db, collection, indexes)) missing.push(`index ${collection}.${index.name}`);
  }
  for (const name of await missingDocuments(db)) missing.push(`document ${name}`);
  if (missing.length === 0) return;
  const some = missing.slice(0, 3).join(', ') + (missing.length > 3 ? `, and ${missing.length - 3} more` : '');
  throw new InterlockError(
    'CONFLICT',
    `The database "${db.databaseName}" is not ready (missing: ${some}). Run \`interlock manage-db\`.`,
  );
}

/** Only what keeps something single: a missing index of another kind makes queries slow, no more. Changes nothing. */
export async function problems(db: Db): Promise<string[]> {
  const found: string[] = [];
  for (const [collection, indexes] of INDEXES) {
    const unique = indexes.filter(index => index.unique);
    if (unique.length === 0) continue;
    const existing = new Map((await read('indexes', () => listIndexes(db, collection))).map(index => [index.name, index]));
    for (const wanted of unique) {
      const index = existing.get(wanted.name);
      if (!index) found.push(`The unique index "${wanted.name}" of "${collection}" is missing: run \`interlock manage-db\`.`);
      else if (!isSame(index, wanted)) found.push(differs(collection, wanted.name).message);
    }
  }
  return found;
}

/**
 * Everything that differs from what `manage` makes. Changes nothing. Throws InterlockError `CONFLICT` for a newer schema or a restore that is not
 * through, StoreError.
 */
export async function drift(db: Db): Promise<DatabaseDrift> {
  await refuseHalfRestored(db);
  await refuseNewerSchema(db);
  const missing: string[] = [];
  const differing: string[] = [];
  for (const [collection, indexes] of INDEXES) {
    const existing = new Map((await read('indexes', () => listIndexes(db, collection))).map(index => [index.name, index]));
    for (const wanted of indexes) {
      const index = existing.get(wanted.name);
      if (!index) missing.push(`index ${collection}.${wanted.name}`);
      else if (!isSame(index, wanted)) differing.push(differs(collection, wanted.name).message);
    }
  }
  for (const name of await missingDocuments(db)) missing.push(`document ${name}`);
  const backwards = await backwardsOf(db);
  return { missing, differing, ...(backwards !== undefined && { backwards }) };
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
/** IndexOptionsConflict, IndexKeySpecsConflict: the same index under another name, or another one that came at the same time. */
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

/** Only when what has taken their place is there. */
async function dropRetired(db: Db): Promise<string[]> {
  const dropped: string[] = [];
  for (const [collection, names] of RETIRED_INDEXES) {
    const existing = new Set((await read('indexes', () => listIndexes(db, collection))).map(index => index.name));
    for (const name of names.filter(each => existing.has(each))) {
      await write(`drop index ${collection}.${name}`, () => dropIndex(db, collection, name));
      dropped.push(`index ${collection}.${name}`);
    }
  }
  return dropped;
}

async function dropIndex(db: Db, collection: string, name: string): Promise<void> {
  try {
    await db.collection(collection).dropIndex(name, LIMIT);
  } catch (error) {
    // Somebody else was quicker.
    if (!(error instanceof MongoServerError && error.code === INDEX_NOT_FOUND)) throw error;
  }
}

const INDEX_NOT_FOUND = 27;

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

function stands(collection: string, name: string, reason: string): InterlockError {
  const remedy = `drop the other one (mongosh: db.${collection}.getIndexes() shows it) and run \`interlock manage-db\``;
  return new InterlockError('CONFLICT', `The index "${name}" of "${collection}" cannot be created (${reason}): ${remedy}.`);
}

async function createIndex(db: Db, collection: string, index: IndexDefinition): Promise<void> {
  await write(
    `create index ${collection}.${index.name}`,
    async () => {
      try {
        await db.collection(collection).createIndexes([{ ...index }]);
      } catch (error) {
        if (error instanceof MongoServerError && INDEX_CONFLICTS.has(error.code))
          throw stands(collection, index.name, error.message);
        throw error;
      }
    },
    BUILD_MS,
  );
}
