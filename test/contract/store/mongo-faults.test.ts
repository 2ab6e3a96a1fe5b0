import { expect } from 'chai';
import { MongoClient, type ClientSession } from 'mongodb';
import { v4 } from 'uuid';
import type { MongoStore } from '../../../src/store/mongo/store.js';
import { testServers } from '../../support/servers.js';
import { until } from '../../support/wait.js';
import { mongoUnderTest, openStore } from './mongo-under-test.js';
import { ReplyThief } from './reply-thief.js';
import { accept, acceptOne, lead, newTask, reserving, startAll, thrown, WORKER } from './support.js';

const MINUTE = 60_000;
describe('the MongoDB store when a reply is lost', function () {
  this.timeout(60_000);
  const under = mongoUnderTest();
  let thief: ReplyThief;
  let store: MongoStore;

  before(async () => {
    thief = await ReplyThief.before(testServers().mongoUrl);
    store = await openStore(under.db().databaseName, thief.url);
  });
  after(async () => {
    await store.close();
    await thief.close();
  });
  beforeEach(() => under.clear());

  it('knows its starts by their token', async () => {
    const tasks = await accept(under.other(), newTask(), newTask());
    const token = v4();
    thief.lose(token);
    const starts = tasks.map(({ id }) => ({ id, attempt: 0, fence: 0 }));
    expect(await store.tasks.start(starts, { ...WORKER, token })).to.deep.equal(new Set(tasks.map(task => task.id)));
    expect(thief.left).to.equal(0);
  });

  it('knows by its token also a start that found its task itself', async () => {
    const [first, second] = await accept(under.other(), newTask(), newTask());
    const [token, other] = [v4(), v4()];
    thief.lose(token);
    expect((await store.tasks.startBest(['default'], { ...WORKER, token }))?.id).to.equal(first!.id);
    expect(thief.left).to.equal(0);
    thief.lose(other, 3);
    const error = await thrown(store.tasks.startBest(['default'], { ...WORKER, token: other }));
    expect(error.outcome, 'when that cannot be read either').to.equal('unknown');
    expect((await under.other().tasks.get(second!.id))?.run?.token, 'it did land').to.equal(other);
  });

  it('begins nothing when even the reading back fails', async () => {
    const task = await acceptOne(under.other(), newTask());
    const token = v4();
    thief.lose(token, 3);
    const error = await thrown(store.tasks.start([{ id: task.id, attempt: 0, fence: 0 }], { ...WORKER, token }));
    expect(error.outcome).to.equal('unknown');
    expect(
      (await store.tasks.namedBy(WORKER.incarnation)).map(each => each.id),
      'it did land',
    ).to.deep.equal([task.id]);
    expect(await store.tasks.giveBack(task.id, token)).to.equal(true);
  });

  it('knows its ends by their token', async () => {
    const task = await acceptOne(under.other(), newTask());
    const token = await startAll(under.other(), [task]);
    thief.lose(token);
    const ended = await store.tasks.finish([{ id: task.id, token, outcome: { kind: 'completed', result: null } }]);
    expect(ended).to.deep.equal(new Set([task.id]));
    expect(thief.left).to.equal(0);
    expect((await store.tasks.get(task.id))?.attempts).to.have.length(1);
  });

  for (const times of [1, 2]) {
    it(`stores a task once when ${times} of its replies are lost`, async () => {
      const task = newTask();
      const first = await store.tasks.takeNumbers(1);
      thief.lose(task.id, times);
      const [verdict] = await store.tasks.insert([task], first);
      expect(verdict?.kind).to.equal('stored');
      expect(thief.left).to.equal(0);
      expect(await store.tasks.count({}, 10)).to.equal(1);
    });
  }

  it('tells an earlier task of the same key when the reply to the second is lost for good', async () => {
    const idempotency = { principal: 'p', key: v4(), bodyHash: 'h' };
    const first = await acceptOne(under.other(), newTask({ idempotency }));
    const task = newTask({ idempotency });
    const number = await store.tasks.takeNumbers(1);
    thief.lose(task.id, 2);
    const [verdict] = await store.tasks.insert([task], number);
    expect(verdict).to.deep.equal({ kind: 'duplicate', task: first });
  });

  it('throws unknown when nothing can be read back either', async () => {
    const task = newTask();
    const number = await store.tasks.takeNumbers(1);
    thief.lose(task.id, 4);
    expect((await thrown(store.tasks.insert([task], number))).outcome).to.equal('unknown');
    const [verdict] = await store.tasks.insert([task], number);
    expect(verdict?.kind, 'the same again').to.equal('stored');
  });

  it('stores a batch whole and once when the reply to the commit is lost', async () => {
    const batch = [newTask(), newTask()];
    const first = await store.tasks.takeNumbers(2);
    thief.lose('commitTransaction', 2);
    const verdict = await store.tasks.insertAll(batch, first);
    expect(verdict.kind).to.equal('stored');
    expect(await store.tasks.count({}, 10)).to.equal(2);
  });

  it('cancels once and gives the answer of the first time', async () => {
    const task = await acceptOne(under.other(), newTask());
    thief.lose(task.id);
    expect((await store.tasks.cancel(task.id, 'ann', 'user')).kind).to.equal('canceled');
  });

  it('counts one heartbeat, and says that it does not know', async () => {
    const incarnation = v4();
    const machine = { host: 'a', bootId: 'b', pidNamespace: 'p', pid: 1, startTicks: 1 };
    const process = { name: 'w', role: 'worker' as const, incarnation, ...machine, queues: [], dedicated: false, slots: 1 };
    await store.processes.register({ ...process, versions: { interlock: '0', node: '20' } }, MINUTE);
    thief.lose(incarnation);
    expect((await thrown(store.processes.beat('w', incarnation, { ttlMs: MINUTE, deadlineMs: 4_000 }))).outcome).to.equal(
      'unknown',
    );
    expect((await under.other().processes.get('w'))?.beat).to.equal(1);
    expect(await store.processes.beat('w', incarnation, { ttlMs: MINUTE, deadlineMs: 4_000 })).to.deep.equal({});
  });

  it('grants when a commit that is sent again says that it was done', async () => {
    const lease = await lead(store);
    const task = await acceptOne(store, reserving(['r']));
    thief.lose('commitTransaction', 2);
    expect((await store.grants.grant(lease, [task])).kind).to.equal('granted');
    expect(thief.left, 'the driver itself sends it twice').to.equal(0);
    expect((await store.tasks.holders(0, 1_000)).map(each => each.id)).to.deep.equal([task.id]);
  });

  it('throws unknown when no commit is answered, and a new leader sees the grant', async () => {
    const lease = await lead(store);
    const task = await acceptOne(store, reserving(['r']));
    thief.lose('commitTransaction', 10);
    expect((await thrown(store.grants.grant(lease, [task]))).outcome).to.equal('unknown');
    thief.lose('nothing', 0);
    expect((await under.other().tasks.holders(0, 1_000)).map(each => each.id)).to.deep.equal([task.id]);
    await store.leases.resign(lease);
    const next = await lead(store);
    expect(next.fence).to.equal(lease.fence + 1);
    const other = await acceptOne(store, reserving(['q']));
    expect((await store.grants.grant(next, [other])).kind, 'in a new session').to.equal('granted');
  });

  it('retries a grant whose step before the commit was lost', async () => {
    const lease = await lead(store);
    const task = await acceptOne(store, reserving(['r']));
    thief.lose(task.id);
    expect((await store.grants.grant(lease, [task])).kind).to.equal('granted');
    expect(thief.left).to.equal(0);
  });

  it('does not wait for a grant that is never answered, and starts afresh', async () => {
    const lease = (await store.leases.acquire('resource-manager', { name: 'a', incarnation: 'a/1' }, 1))!;
    const [stuck, next] = await accept(store, reserving(['r']), reserving(['q']));
    thief.hold(stuck!.id);
    expect((await thrown(store.grants.grant(lease, [stuck!]))).outcome).to.equal('unknown');
    expect(thief.holding).to.equal(true);
    const again = await lead(store);
    expect(again.epoch).to.equal(lease.epoch + 1);
    expect((await store.grants.grant(again, [next!])).kind).to.equal('granted');
    thief.release();
    expect((await store.tasks.holders(0, 1_000)).map(each => each.id)).to.deep.equal([next!.id]);
  });

  it('is deposed when a successor killed the transaction in which it was stuck', async () => {
    const lease = (await store.leases.acquire('resource-manager', { name: 'a', incarnation: 'a/1' }, 1))!;
    const task = await acceptOne(store, reserving(['r']));
    thief.hold(task.id);
    const stuck = store.grants.grant(lease, [task]);
    await until('the grant is stuck behind its lease write', () => thief.holding);
    const next = await under.other().leases.acquire('resource-manager', { name: 'b', incarnation: 'b/1' }, MINUTE);
    expect(next).to.include({ holder: 'b', epoch: lease.epoch + 1, fence: lease.fence });
    thief.release();
    expect(await stuck).to.deep.equal({ kind: 'deposed' });
    expect((await under.other().grants.grant(next!, [task])).kind).to.equal('granted');
  });
});

describe('the MongoDB store beside an open transaction', function () {
  this.timeout(60_000);
  const under = mongoUnderTest();
  const client = new MongoClient(testServers().mongoUrl);
  let session: ClientSession;

  beforeEach(async () => {
    await under.clear();
    session = client.startSession();
  });
  afterEach(() => session.endSession());
  after(() => client.close());

  const block = async (fields: object): Promise<void> => {
    const leases = under.db().client === client ? under.db() : client.db(under.db().databaseName);
    const filter = { _id: 'resource-manager' };
    session.startTransaction();
    await leases.collection<{ _id: string }>('leases').updateOne(filter, { $set: fields }, { session });
  };

  it('kills the session that the lapsed lease names, and takes the lease', async () => {
    await under
      .db()
      .collection<{ _id: string }>('leases')
      .updateOne({ _id: 'resource-manager' }, { $set: { session: session.id!.id } });
    await block({ fence: 1_000 });
    const lease = await under.store().leases.acquire('resource-manager', { name: 'b', incarnation: 'b/1' }, MINUTE);
    expect(lease).to.include({ holder: 'b' }).and.not.to.include({ fence: 1_000 });
    const commit = await session.commitTransaction().catch((error: unknown) => error);
    expect(commit, "the victim's commit").to.include({ code: 251 });
  });

  it('kills nobody while the lease runs', async () => {
    const held = await lead(under.other());
    await under
      .db()
      .collection<{ _id: string }>('leases')
      .updateOne({ _id: 'resource-manager' }, { $set: { session: session.id!.id } });
    await block({ touched: 1 });
    const rival = { name: 'b', incarnation: 'b/1' };
    expect(await under.store().leases.acquire('resource-manager', rival, MINUTE)).to.equal(undefined);
    await session.commitTransaction();
    expect(await under.other().leases.renew(held, MINUTE)).to.equal(true);
  });

  it('retries a grant that meets it, until it is over', async () => {
    const lease = await lead(under.store());
    const task = await acceptOne(under.store(), reserving(['r']));
    await block({ touched: 2 });
    const [verdict] = await Promise.all([under.store().grants.grant(lease, [task]), session.commitTransaction()]);
    expect(verdict).to.deep.equal({ kind: 'granted', fence: lease.fence + 1 });
  });

  it('gives a grant up, with nothing written, when it lasts', async () => {
    const lease = await lead(under.store());
    const task = await acceptOne(under.store(), reserving(['r']));
    await block({ touched: 3 });
    expect((await thrown(under.store().grants.grant(lease, [task]))).outcome).to.equal('refused');
    await session.abortTransaction();
    expect(await under.store().tasks.get(task.id)).to.deep.equal(task);
    expect((await under.store().grants.grant(lease, [task])).kind).to.equal('granted');
  });
});
