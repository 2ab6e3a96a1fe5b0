import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { BSON, MongoClient, type Db, type Document } from 'mongodb';
import { InterlockError } from '../../../src/core/errors.js';
import type { ArchiveStore, Batches } from '../../../src/store/archive.js';
import type { MongoStore } from '../../../src/store/mongo/store.js';
import { testServers } from '../../support/servers.js';
import { openStore } from './mongo-under-test.js';

export type Loose = Document & { _id: string | number };

/** Databases of their own, each with a store on it. Registers its own hook. */
export function archivesUnderTest(): {
  client: MongoClient;
  fresh: (managed?: boolean) => Promise<Fresh>;
  open: (name: string) => Promise<MongoStore>;
} {
  const client = new MongoClient(testServers().mongoUrl);
  const names = new Set<string>();
  const stores: MongoStore[] = [];

  after(async function () {
    this.timeout(60_000);
    await Promise.all(stores.map(store => store.close()));
    for (const name of names) await client.db(name).dropDatabase();
    await client.close();
  });

  async function open(name: string): Promise<MongoStore> {
    names.add(name);
    const store = await openStore(name);
    stores.push(store);
    return store;
  }
  async function fresh(managed = true): Promise<Fresh> {
    const name = `test_archive_${randomBytes(4).toString('hex')}`;
    const store = await open(name);
    if (managed) await store.manage();
    return { store, archive: store.archive, db: client.db(name) };
  }
  return { client, fresh, open };
}

export interface Fresh {
  store: MongoStore;
  archive: ArchiveStore;
  db: Db;
}

/** The message of the refusal that this ends with. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(() => undefined).catch((thrown: unknown) => thrown);
  if (!(error instanceof InterlockError)) return expect.fail(`no InterlockError, but ${String(error)}`);
  expect(error.code).to.equal('CONFLICT');
  return error.message;
}

export async function readAll(batches: Batches): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const batch of batches) found.push(...batch);
  return found;
}

export async function idsIn(batches: Batches): Promise<unknown[]> {
  return (await readAll(batches)).map(bytes => BSON.deserialize(bytes)._id as unknown);
}
