import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { MongoClient, type Db } from 'mongodb';
import { InterlockError, SchemaMismatch } from '../../../src/core/errors.js';
import type { MongoStore } from '../../../src/store/mongo/store.js';
import { testServers } from '../../support/servers.js';
import { openStore } from './mongo-under-test.js';
import { accept, lead, newTask, granted, registration, reserving } from './support.js';

describe('manage-db on MongoDB', function () {
  this.timeout(60_000);
  const client = new MongoClient(testServers().mongoUrl);
  let db: Db;
  let stores: MongoStore[];

  beforeEach(async () => {
    const name = `test_manage_${randomBytes(4).toString('hex')}`;
    db = client.db(name);
    stores = [await openStore(name), await openStore(name)];
  });
  afterEach(async () => {
    await Promise.all(stores.map(store => store.close()));
    await db.dropDatabase();
  });
  after(() => client.close());

  const refused = async (work: Promise<unknown>): Promise<InterlockError> => {
    const error = await work.then(() => undefined).catch((thrown: unknown) => thrown);
    if (!(error instanceof InterlockError)) return expect.fail(`no InterlockError, but ${String(error)}`);
    expect(error.code).to.equal('CONFLICT');
    return error;
  };

  it('creates everything once, also when several run at the same time, and then has nothing to do', async () => {
    const reports = await Promise.all([stores[0]!.manage(), stores[1]!.manage(), stores[0]!.manage()]);
    expect(reports.flatMap(report => report.created)).to.include.members(['index tasks.seq', 'document leases.beat']);
    expect(await stores[1]!.manage()).to.deep.equal({ created: [], dropped: [] });
    await stores[0]!.check();
    expect(await db.collection('leases').countDocuments()).to.equal(2);
    expect((await accept(stores[0]!, newTask()))[0]!.seq).to.equal(1);
  });

  it('is asked for by the check of a role that finds something missing', async () => {
    expect((await refused(stores[0]!.check())).message).to.match(/Run `interlock manage-db`/);
    await stores[0]!.manage();
    await db.collection('tasks').dropIndex('claim_rank');
    expect((await refused(stores[0]!.check())).message).to.include('index tasks.claim_rank');
    expect(await stores[0]!.manage()).to.deep.equal({ created: ['index tasks.claim_rank'], dropped: [] });
    await db.collection<{ _id: string }>('leases').deleteOne({ _id: 'beat' });
    expect((await refused(stores[0]!.check())).message).to.include('document leases.beat');
  });

  it('names each unique index that is missing or differs, and nothing else', async () => {
    const store = stores[0]!;
    await store.manage();
    expect(await store.problems()).to.deep.equal([]);
    await db.collection('tasks').dropIndex('claim_rank');
    expect(await store.problems(), 'slow, but not wrong').to.deep.equal([]);
    for (const name of ['seq', 'idempotency', 'slot']) {
      await db.collection('tasks').dropIndex(name);
      expect(await store.problems()).to.deep.equal([
        `The unique index "${name}" of "tasks" is missing: run \`interlock manage-db\`.`,
      ]);
      await store.manage();
    }
    await db.collection('schedules').dropIndex('name');
    await db.collection('schedules').createIndex({ name: 1 }, { name: 'name' }, {});
    expect(await store.problems()).to.have.length(1);
    expect((await store.problems())[0])
      .to.include(`db.schedules.dropIndex('name')`)
      .and.include('manage-db');
  });

  it('tells how to mend an index that is not the one needed, and leaves strange ones alone', async () => {
    await stores[0]!.manage();
    await db.collection('tasks').createIndex({ name: 1, queue: 1 }, { name: 'mine' }, {});
    expect(await stores[0]!.manage()).to.deep.equal({ created: [], dropped: [] });
    await db.collection('tasks').dropIndex('seq');
    await db.collection('tasks').createIndex({ seq: 1 }, { name: 'seq' }, {});
    for (const work of [() => stores[0]!.manage(), () => stores[0]!.check()]) {
      expect((await refused(work())).message).to.include(`db.tasks.dropIndex('seq')`);
    }
    expect(await db.collection('tasks').indexExists(['seq', 'mine']), 'nothing was dropped').to.equal(true);
  });

  it('drops the indexes of earlier versions, once what has taken their place is there', async () => {
    await stores[0]!.manage();
    await db.collection('tasks').createIndex({ 'grant.worker': 1, queue: 1, priority: -1, seq: 1 }, { name: 'claim' }, {});
    const reports = await Promise.all(stores.map(store => store.manage()));
    expect(reports.flatMap(({ dropped }) => dropped)).to.include('index tasks.claim');
    expect(await db.collection('tasks').indexExists('claim')).to.equal(false);
    expect(await stores[0]!.manage()).to.deep.equal({ created: [], dropped: [] });
  });

  it('refuses the same index under another name, and says which', async () => {
    await db.collection('tasks').createIndex({ seq: 1 }, { name: 'other', unique: true }, {});
    expect((await refused(stores[0]!.manage())).message).to.match(/"seq" of "tasks".*other.*manage-db/s);
  });

  it('refuses a database that a newer version wrote', async () => {
    await stores[0]!.manage();
    await db.collection<{ _id: string }>('meta').updateOne({ _id: 'deployment' }, { $set: { schema: 99 } });
    for (const work of [() => stores[0]!.manage(), () => stores[0]!.check()]) {
      expect((await refused(work())).message).to.match(/schema 99; this Interlock knows 1/);
    }
  });

  it('refuses an older schema to every role, and raises it only where an upgrade was begun', async () => {
    const [store, other] = [stores[0]!, stores[1]!];
    await store.manage();
    expect(await store.beginUpgrade(), 'nothing to do').to.equal(undefined);
    const meta = db.collection<{ _id: string }>('meta');
    await meta.updateOne({ _id: 'deployment' }, { $set: { schema: 0 } });
    const mismatches = () => [store.check(), store.processes.register(registration(), 60_000)];
    for (const work of mismatches()) {
      const error = await refused(work);
      expect(error).to.be.instanceOf(SchemaMismatch);
      expect(error.message).to.match(/has schema 0; this Interlock needs 1\. Stop every role .* run `interlock manage-db`/);
    }
    expect(await db.collection('processes').countDocuments({ state: 'live' })).to.equal(0);
    expect(await store.manage(), 'not begun').to.deep.equal({ created: [], dropped: [] });
    const upgrade = await store.beginUpgrade();
    expect(upgrade).to.include({ from: 0, to: 1 });
    for (const work of mismatches())
      expect((await refused(work)).message).to.match(/is being brought to schema 1, or that was interrupted/);
    const second = await other.beginUpgrade();
    await store.abandonUpgrade(upgrade!);
    expect((await refused(store.check())).message, 'the mark is of the second').to.match(/is being brought/);
    await other.abandonUpgrade(second!);
    expect((await refused(store.check())).message).to.match(/has schema 0/);
    await store.beginUpgrade();
    expect(await store.manage()).to.deep.equal({ created: [], dropped: [], upgraded: { from: 0, to: 1 } });
    expect(await store.manage()).to.deep.equal({ created: [], dropped: [] });
    await store.check();
    expect((await store.processes.register(registration(), 60_000)).kind).to.equal('registered');
  });

  it('lets lost counters go on behind the numbers in use', async () => {
    const store = stores[0]!;
    await store.manage();
    const lease = await lead(store);
    const [task] = await granted(store, lease, reserving(['r'], [], { maxAttempts: 5 }));
    await db.collection('counters').deleteMany({});
    await db.collection('leases').deleteMany({});
    const report = await store.manage();
    expect(report.created).to.have.members(['document counters.seq', 'document leases.resource-manager', 'document leases.beat']);
    expect((await accept(store, newTask()))[0]!.seq).to.equal(task!.seq + 1);
    expect((await lead(store)).fence).to.be.at.least(task!.grant!.fence + 5);
  });

  it('says so when the counter is missing', async () => {
    const error = await stores[0]!.tasks.takeNumbers(1).catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'STORE_UNAVAILABLE', outcome: 'refused' });
    expect(String(error)).to.include('manage-db');
  });
});
