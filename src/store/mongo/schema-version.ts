import { ObjectId, type Db } from 'mongodb';
import { SchemaMismatch } from '../../core/errors.js';
import { LIMIT, read, write } from './calls.js';
import type { MetaDocument } from './database.js';
import { SCHEMA } from './fixed-documents.js';

/** One that was begun. */
export interface Upgrade {
  from: number;
  to: number;
  /** Whose mark it is: a second one that is begun beside it puts its own in its place. */
  id: string;
}

/** Throws SchemaMismatch for a database that a newer release wrote. */
export async function refuseNewerSchema(db: Db): Promise<void> {
  newer(db, await metaOf(db));
}

/** Throws SchemaMismatch for any schema but this release's, and while one is being changed. One that is not there yet is no other. */
export async function refuseOtherSchema(db: Db): Promise<void> {
  const meta = await metaOf(db);
  newer(db, meta);
  if (!meta || (meta.schema === SCHEMA && !meta.upgrade)) return;
  const what = meta.upgrade
    ? `is being brought to schema ${meta.upgrade.to}, or that was interrupted`
    : `has schema ${meta.schema}; this Interlock needs ${SCHEMA}`;
  throw new SchemaMismatch(
    `The database "${db.databaseName}" ${what}. Stop every role on every machine, run \`interlock manage-db\`, then start them again.`,
  );
}

export async function beginUpgrade(db: Db): Promise<Upgrade | undefined> {
  const meta = await metaOf(db);
  newer(db, meta);
  if (!meta || (meta.schema === SCHEMA && !meta.upgrade)) return undefined;
  const upgrade: Upgrade = { from: meta.schema, to: SCHEMA, id: new ObjectId().toHexString() };
  const mark = { to: upgrade.to, id: upgrade.id };
  await write('begin an upgrade', () => collection(db).updateOne({ _id: ID }, { $set: { upgrade: mark } }, LIMIT));
  return upgrade;
}

export async function abandonUpgrade(db: Db, { id }: Upgrade): Promise<void> {
  await write('abandon an upgrade', () =>
    collection(db).updateOne({ _id: ID, 'upgrade.id': id }, { $unset: { upgrade: 1 } }, LIMIT),
  );
}

/** Only where one was begun. What is to be changed in records, for a schema above 1, is done before. */
export async function raiseSchema(db: Db): Promise<Pick<Upgrade, 'from' | 'to'> | undefined> {
  const change = { $set: { schema: SCHEMA }, $unset: { upgrade: 1 as const } };
  const former = await write('raise the schema', () =>
    collection(db).findOneAndUpdate({ _id: ID, upgrade: { $exists: true } }, change, { returnDocument: 'before', ...LIMIT }),
  );
  return former && former.schema !== SCHEMA ? { from: former.schema, to: SCHEMA } : undefined;
}

const ID = 'deployment';

function collection(db: Db): ReturnType<typeof db.collection<MetaDocument>> {
  return db.collection<MetaDocument>('meta');
}

async function metaOf(db: Db): Promise<MetaDocument | null> {
  return read('schema', () => collection(db).findOne({ _id: ID }, LIMIT));
}

function newer(db: Db, meta: MetaDocument | null): void {
  if (!meta || meta.schema <= SCHEMA) return;
  throw new SchemaMismatch(
    `The database "${db.databaseName}" has schema ${meta.schema}; this Interlock knows ${SCHEMA}. Use the Interlock that wrote it, or a newer one.`,
  );
}
