import { randomBytes } from 'node:crypto';
import { MongoClient, type Db } from 'mongodb';
import { silentLog } from '../../../src/process/log.js';
import { openMongoStore, type MongoStore } from '../../../src/store/mongo/store.js';
import { testServers } from '../../support/servers.js';
import type { StoreUnderTest } from './support.js';

/** Two stores on a database of their own, and bare hands at it. Registers its own hooks. */
export function mongoUnderTest(): Omit<StoreUnderTest, 'store' | 'other'> & {
  store(): MongoStore;
  other(): MongoStore;
  db(): Db;
} {
  const database = `test_store_${randomBytes(4).toString('hex')}`;
  const client = new MongoClient(testServers().mongoUrl);
  const db = client.db(database);
  let stores: MongoStore[] = [];

  before(async function () {
    this.timeout(60_000);
    stores = [await openStore(database), await openStore(database)];
    await stores[0]!.manage();
  });
  after(async function () {
    this.timeout(60_000);
    await Promise.all(stores.map(store => store.close()));
    await db.dropDatabase();
    await client.close();
  });

  return {
    store: () => stores[0]!,
    other: () => stores[1]!,
    db: () => db,
    async clear() {
      const names = [
        'tasks',
        'processes',
        'schedules',
        'repositories',
        'things',
        'task_groups',
        'rates',
        'capacities',
        'tokens',
        'audit',
      ];
      await Promise.all(names.map(name => db.collection(name).deleteMany({})));
      const meta = db.collection<{ _id: string }>('meta');
      await meta.deleteOne({ _id: 'maintenance' });
      // Another database, as after a drop: the stores have seen higher epochs than those that follow.
      await meta.updateOne({ _id: 'deployment' }, { $set: { createdAt: new Date() } });
      await db
        .collection('leases')
        .updateMany({}, { $set: { epoch: 0, until: new Date(0), floor: 0, holder: '', session: null } });
    },
  };
}

export function openStore(database: string, url = testServers().mongoUrl): Promise<MongoStore> {
  return openMongoStore({ url, database, appName: 'interlock-test', log: silentLog });
}
