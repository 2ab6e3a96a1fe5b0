import { expect } from 'chai';
import type { Document, Timestamp } from 'mongodb';
import { v4, v7 } from 'uuid';
import type { MongoStore } from '../../../src/store/mongo/store.js';
import { testServers } from '../../support/servers.js';
import { mongoUnderTest, openStore } from './mongo-under-test.js';
import { accept, acceptOne, delayed, lead, newTask, reserving, startAll } from './support.js';
import { WireTap } from './wire-tap.js';

const PAST = new Date(Date.UTC(2020, 0));
const READS = new Set(['find', 'aggregate', 'count']);
const WRITES = new Set(['insert', 'update', 'delete', 'findAndModify']);
/** Bookkeeping of the driver itself. */
const DRIVER = new Set(['hello', 'ismaster', 'isMaster', 'endSessions', 'killCursors']);

/** What goes over the wire, read by its bytes: the promises rest on these options, and a forgotten one shows nowhere else. */
describe('the commands of the MongoDB store', function () {
  this.timeout(60_000);
  const under = mongoUnderTest();
  let tap: WireTap;
  let store: MongoStore;

  before(async () => {
    tap = await WireTap.before(testServers().mongoUrl);
    store = await openStore(under.db().databaseName, tap.url);
  });
  after(async () => {
    await store.close();
    await tap.close();
  });
  beforeEach(async () => {
    await under.clear();
    tap.commands = [];
  });

  const nameOf = (command: Document): string => Object.keys(command)[0]!;
  const named = (name: string): Document[] => tap.commands.filter(command => nameOf(command) === name);

  /** Each method of the tasks, the leases, the processes and the schedules at least once. */
  async function everything(): Promise<void> {
    const { tasks, processes, schedules, documents } = store;
    const lease = await lead(store);
    const [plain, resource, late] = await accept(
      store,
      newTask({ idempotency: { principal: 'p', key: 'k', bodyHash: 'h' } }),
      reserving(['r']),
      delayed(PAST),
    );
    await tasks.insertAll(
      [newTask({ expiresAt: PAST }), newTask({ schedule: { id: 's', slot: PAST } })],
      await tasks.takeNumbers(2),
    );
    await store.grants.grant(lease, [{ ...resource!, worker: 'gone' }]);
    await store.grants.unbind(lease, [], { queue: 'default', name: 'repository.sync' });
    const token = await startAll(store, [plain!]);
    await tasks.report(plain!.id, token, { progress: [], createdResources: [] });
    await store.waits.await({ id: plain!.id, token, n: 1 }, [v4()]);
    await store.waits.failWaiting(v4(), 1, { code: 'X', message: 'm' });
    await tasks.giveBack(plain!.id, token);
    const again = await startAll(store, [plain!]);
    await tasks.start([{ id: v4(), attempt: 0, fence: 0 }], { worker: 'w', incarnation: 'i', token: v4() });
    await tasks.finish([{ id: plain!.id, token: again, outcome: { kind: 'completed', result: 1 } }]);
    await tasks.finish([{ id: v4(), token: again, outcome: { kind: 'completed', result: 1 } }]);
    await tasks.promote(await tasks.due(5), await tasks.takeNumbers(1));
    await tasks.cancel(late!.id, 'ann', 'user');
    await tasks.cancel(v4(), 'ann', 'user');
    await tasks.voidNumbers([await tasks.takeNumbers(1)]);
    const page = { limit: 2, newestFirst: true };
    const filter = { resource: ['r'], tag: ['t'] };
    await Promise.all([
      ...[
        tasks.expire(5),
        tasks.namedBy('i'),
        tasks.active(5),
        tasks.activeOfTheDead(5),
        tasks.readyFor('worker', 0, 5),
        tasks.range(0, 5),
        tasks.byNumbers([1]),
      ],
      ...[
        tasks.holders(0, 1_000),
        tasks.holderFences(0, 5),
        tasks.waitingNumbers(0, 5),
        tasks.countInLines(5, 5),
        tasks.waitingForResources(0, 5),
        tasks.byIds([v4()]),
        tasks.endedWithin(1_000),
        tasks.get(v4()),
        tasks.list(filter, page),
      ],
      ...[
        tasks.count(filter, 5),
        tasks.line('r', 5),
        tasks.countByState(),
        tasks.remove(plain!.id),
        tasks.byIdempotencyKey('p', 'k'),
      ],
      ...[store.waits.awaiting(0, 5), store.waits.awaited([v4()])],
      tasks.claimable({ queues: ['default'], worker: 'w', limit: 5 }),
      tasks.startBest(['default'], { worker: 'w', incarnation: 'i', token: v4() }),
    ]);
    const process = {
      name: 'w',
      role: 'worker' as const,
      incarnation: v4(),
      host: 'h',
      bootId: 'b',
      pidNamespace: 'n',
      pid: 1,
      startTicks: 1,
    };
    await processes.register(
      { ...process, queues: [], dedicated: false, slots: 1, versions: { interlock: '0', node: '20' } },
      60_000,
    );
    await processes.beat('w', process.incarnation, { ttlMs: 60_000, deadlineMs: 4_000 });
    await Promise.all([processes.list(), processes.get('w'), processes.earliestLapseMs()]);
    await processes.declareMissing({ ...process, beat: 1 }, { lapsed: true });
    await Promise.all([tasks.cancelAssigned(process), processes.settle('w', process.incarnation), processes.forget(0, 5)]);
    await processes.stop('w', process.incarnation);
    await store.leases.renew(lease, 60_000);
    await store.leases.read('beat');
    await store.leases.resign(lease);
    const rule = { kind: 'interval' as const, intervalMs: 1_000, anchor: PAST };
    const since = { skipped: 0, countedFrom: PAST, revision: 1, version: 0 };
    const plan = { id: v7(), name: v7(), task: {}, rule, misfire: 'one' as const, overlap: 'allow' as const, nextAt: PAST };
    const created = (await schedules.create({ ...plan, ...since }))!;
    const { id } = created;
    await tasks.runsOf(id, PAST, 5);
    await Promise.all([schedules.get(id), schedules.list(5), schedules.due(5), schedules.now()]);
    await schedules.replace(created);
    await schedules.remove(id);
    const things = documents.collection<{ a: number }>('things');
    await things.insert('a', { a: 1 });
    await Promise.all([things.get('a'), things.list(5)]);
    await things.replace('a', 1, { a: 2 });
    await things.remove('a');
    await tasks.quarantine();
    await store.ping();
    await store.check();
  }

  it('all have a limit of time, and read and write with a majority', async () => {
    await everything();
    const ours = tap.commands.filter(command => !DRIVER.has(nameOf(command)) || command.maxTimeMS !== undefined);
    expect(ours.length).to.be.greaterThan(70);
    for (const command of ours) {
      const name = nameOf(command);
      const what = JSON.stringify(command).slice(0, 300);
      if (name !== 'abortTransaction') expect(command.maxTimeMS, what).to.be.within(1, 8_000);
      if (command.autocommit === false) continue;
      if (READS.has(name)) expect(command.readConcern, what).to.have.property('level', 'majority');
      if (WRITES.has(name)) {
        const w = command.findAndModify === 'counters' ? 1 : 'majority';
        expect(command.writeConcern, what).to.have.property('w', w);
      }
    }
  });

  it('begin a transaction on a snapshot and commit it to a majority', async () => {
    const lease = await lead(store);
    const task = await acceptOne(store, reserving(['r']));
    tap.commands = [];
    await store.grants.grant(lease, [task]);
    const [first] = tap.commands.filter(command => command.startTransaction === true);
    expect(first).to.deep.include({ update: 'leases' }).and.to.have.nested.property('readConcern.level', 'snapshot');
    expect(named('commitTransaction')[0]).to.have.nested.property('writeConcern.w', 'majority');
  });

  it('make a new leader read nothing older than its lease', async () => {
    const leader = await openStore(under.db().databaseName, tap.url);
    await lead(leader);
    tap.commands = [];
    await leader.tasks.holders(0, 1_000);
    await leader.tasks.range(0, 5);
    await leader.tasks.waitingForResources(0, 5);
    await leader.tasks.holderFences(0, 5);
    await leader.tasks.waitingNumbers(0, 5);
    await leader.tasks.countInLines(5, 5);
    await leader.close();
    const reads = [...named('find'), ...named('aggregate'), ...named('count')];
    expect(reads).to.have.length(8);
    for (const command of reads) expect(command.readConcern).to.have.property('afterClusterTime');
  });

  it('ask who is live after what runs, and from no older view', async () => {
    const [task] = await accept(store, newTask());
    await startAll(store, [task!]);
    // The driver writes a time into an object that all its commands share, so that one from an earlier read proves nothing.
    const { operationTime } = (await under.db().command({ ping: 1 })) as { operationTime: Timestamp };
    tap.commands = [];
    expect((await store.tasks.activeOfTheDead(5)).tasks).to.have.length(1);
    const [tasks, processes, ...others] = named('find');
    expect([tasks?.find, processes?.find, others]).to.deep.equal(['tasks', 'processes', []]);
    expect(processes?.lsid, 'in one session').to.deep.equal(tasks?.lsid);
    expect(processes).to.have.nested.property('readConcern.level', 'majority');
    expect((processes?.readConcern as { afterClusterTime: Timestamp }).afterClusterTime.gte(operationTime)).to.equal(true);
  });

  it('cancel what was assigned in one view of the worker and its tasks, which a majority has to confirm', async () => {
    await store.tasks.cancelAssigned({ name: 'w', incarnation: v4() });
    expect(named('find')).to.have.length(1);
    expect(named('find')[0]).to.have.nested.property('readConcern.level', 'snapshot');
    expect(named('commitTransaction')[0], 'also when there is nothing to do').to.have.nested.property(
      'writeConcern.w',
      'majority',
    );
  });

  it('send a heartbeat once, and a task twice if need be', async () => {
    await everything();
    const numbered = (command: Document) => command.txnNumber !== undefined;
    expect(tap.commands.filter(command => command.update === 'processes').some(numbered)).to.equal(false);
    expect(
      named('insert')
        .filter(command => command.insert === 'tasks')
        .every(numbered),
    ).to.equal(true);
  });

  it('start and end many tasks by one command each', async () => {
    const tasks = await accept(store, ...Array.from({ length: 50 }, () => newTask()));
    tap.commands = [];
    const token = await startAll(store, tasks);
    await store.tasks.finish(tasks.map(({ id }) => ({ id, token, outcome: { kind: 'completed', result: 1 } })));
    expect(tap.commands.map(nameOf).filter(name => !DRIVER.has(name))).to.deep.equal(['update', 'update']);
  });
});
