import { expect } from 'chai';
import type { Document } from 'mongodb';

import { mongoUnderTest } from './mongo-under-test.js';
import { acceptOne, lead, registration, reserving } from './support.js';

/** As the roles meet it: the store has seen higher numbers than those that the database shows now. */
describe('a MongoDB database that went backwards under an open store', function () {
  this.timeout(60_000);
  const under = mongoUnderTest();
  const lease = { ttlMs: 25_000, deadlineMs: 4_000 };
  const collection = (name: string) => under.db().collection<{ _id: string }>(name);
  const problem = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'no error',
      (error: unknown) => String(error),
    );
  const mark = (): Promise<Document | null> => collection('meta').findOne({ _id: 'backwards' });
  const process = registration({ name: 'api@here' });

  /** Sees what there is, with some numbers given. */
  async function seen(): Promise<{ seq: number; back: () => Promise<void> }> {
    const before = await collection('counters').findOne<{ n: number }>({ _id: 'seq' });
    await acceptOne(under.store(), reserving(['r']));
    const task = await acceptOne(under.store(), reserving(['r'])); // the first that is given out again is the one before it
    expect(await under.store().processes.register(process, lease.ttlMs)).to.have.property('kind', 'registered');
    const back = async (): Promise<void> => {
      await collection('counters').updateOne({ _id: 'seq' }, { $set: { n: before!.n } });
    };
    return { seq: task.seq, back };
  }

  beforeEach(async () => {
    await under.clear();
    await collection('meta').deleteOne({ _id: 'backwards' });
    // As a role that comes back: it looks again.
    for (const store of [under.store(), under.other()])
      await store.processes.register(registration({ name: 'again' }), lease.ttlMs);
    await collection('processes').deleteMany({});
  });
  afterEach(() => collection('meta').deleteOne({ _id: 'backwards' }));

  it('gives no number, no lease, no grant and no start to it, registers nobody, and the next heartbeat ends the incarnation', async () => {
    const store = under.store();
    const term = await lead(store);
    const task = await acceptOne(store, reserving(['r']));
    const { back } = await seen();
    await back();
    expect(await problem(store.tasks.takeNumbers(1))).to.include('went backwards (number');
    const run = { worker: 'w', incarnation: 'i', token: 't' };
    expect(await problem(store.grants.grant(term, [task]))).to.include('went backwards');
    expect(await problem(store.leases.acquire('beat', { name: 'b', incarnation: 'b' }, 15_000))).to.include('went backwards');
    expect(await problem(store.tasks.startBest(['default'], run))).to.include('went backwards');
    expect(await problem(store.tasks.start([{ id: task.id, attempt: 0, fence: 0 }], run))).to.include('went backwards');
    expect(await store.processes.beat(process.name, process.incarnation, lease)).to.equal(undefined);
    expect(await problem(store.processes.register(registration({ name: 'new' }), lease.ttlMs))).to.include('went backwards');
    expect(await mark()).to.have.nested.property('seen.seq');
  });

  it('is told by a lower fence when the lease is taken', async () => {
    await lead(under.store());
    await seen();
    await collection('leases').updateOne({ _id: 'resource-manager' }, { $set: { until: new Date(0) }, $inc: { fence: -1 } });
    const taken = under.store().leases.acquire('resource-manager', { name: 'm', incarnation: 'm' }, 15_000);
    expect(await problem(taken)).to.include('fence');
    await collection('leases').updateOne({ _id: 'resource-manager' }, { $inc: { fence: 1 } });
  });

  it('stops every process, also one that has seen nothing of it', async () => {
    const { back } = await seen();
    await back();
    expect(await problem(under.store().tasks.takeNumbers(1))).to.include('went backwards');
    const other = under.other().processes.register(registration({ name: 'other' }), lease.ttlMs);
    expect(await problem(other)).to.include('went backwards (number');
  });

  it('goes on when the newer one is back', async () => {
    const { seq, back } = await seen();
    await back();
    expect(await problem(under.store().tasks.takeNumbers(1))).to.include('went backwards');
    await collection('meta').deleteOne({ _id: 'backwards' });
    await collection('counters').updateOne({ _id: 'seq' }, { $set: { n: seq } });
    await under.store().processes.register(registration({ name: 'again' }), lease.ttlMs);
    expect(await under.store().tasks.takeNumbers(1)).to.equal(seq + 1);
  });

  it('is none when a lost counter was made anew, nor when the whole database was', async () => {
    await seen();
    await collection('tasks').deleteMany({});
    await collection('counters').deleteMany({});
    expect(await problem(under.store().tasks.takeNumbers(1))).to.include('manage-db');
    await under.store().manage();
    expect(await under.store().tasks.takeNumbers(1)).to.equal(1);
    await seen();
    await under.db().dropDatabase();
    await under.store().manage();
    expect(await under.store().tasks.takeNumbers(1)).to.equal(1);
    expect(await lead(under.store())).to.include({ epoch: 1 });
    expect(await mark()).to.equal(null);
  });
});
