import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { ArchiveStore, Change, Snapshot } from '../../../src/store/archive.js';
import { archivesUnderTest, refusal, type Fresh, type Loose } from './archive-under-test.js';
import { acceptOne, delayed, granted, lead, newTask, registration, reserving, startAll } from './support.js';

const CUT_AT = new Date('2026-01-31T00:00:00.000Z');

describe('loading a whole database', function () {
  this.timeout(120_000);
  const { client, fresh, open } = archivesUnderTest();

  describe('into another database', () => {
    const change = (more: Partial<Change> = {}): Change => ({
      ...{ at: new Date(), requeue: false, passOver: true, backup: 'b', cutAt: CUT_AT, seqShift: 1_000_000 },
      given: { seq: 3_000_000, fence: 5_000_000, epoch: 900, generation: 2 },
      ...more,
    });
    async function copy(view: Snapshot, to: ArchiveStore, how: Change): Promise<{ canceled: number; requeued: number }> {
      await to.mark({ backup: how.backup, phase: 'loading', startedAt: how.at, by: 'test' });
      let [canceled, requeued] = [0, 0];
      for (const name of view.collections) {
        const loaded = await to.load(name, view.documents(name), how, () => undefined);
        canceled += loaded.canceled;
        requeued += loaded.requeued;
      }
      await to.switchOver(how);
      await to.unmark();
      return { canceled, requeued };
    }

    /** One of each kind. */
    async function populated(): Promise<Fresh & { view: Snapshot }> {
      const made = await fresh();
      const { store, db } = made;
      const requeue = { onWorkerLoss: 'requeue' as const, maxAttempts: 3 };
      const done = await acceptOne(store, newTask({ idempotency: { principal: 'p', key: 'k', bodyHash: 'h' } }));
      const token = await startAll(store, [done]);
      await store.tasks.finish([{ id: done.id, token, outcome: { kind: 'completed', result: 1 } }]);
      const lease = await lead(store);
      const [held] = await granted(store, lease, reserving(['r'], [], requeue));
      await startAll(store, [held!]);
      await acceptOne(store, reserving(['r'], [], requeue));
      await acceptOne(store, newTask());
      await acceptOne(store, delayed(new Date(Date.now() + 3_600_000), requeue));
      await store.tasks.voidNumbers([50]);
      await store.processes.register(registration(), 60_000);
      await db.collection<Loose>('tasks').insertOne({ _id: 'ruin', seq: 60, state: 'nonsense' });
      await db.collection<Loose>('repositories').insertOne({ _id: 'x', revision: 1, body: { fence: 2 } });
      const rule = { kind: 'interval' as const, intervalMs: 86_400_000, anchor: CUT_AT };
      const facts = { skipped: 0, countedFrom: CUT_AT, revision: 1, version: 0, overlap: 'allow' as const };
      await store.schedules.create({ id: v7(), name: 's', task: {}, rule, misfire: 'all', nextAt: CUT_AT, ...facts });
      return { ...made, view: await made.archive.snapshot() };
    }

    it('cancels what was not final, frees leases, forgets processes, moves numbers on, and passes the check of a role', async () => {
      const { db, view } = await populated();
      const target = await fresh(false);
      expect((await target.archive.standing()).occupied).to.deep.equal([]);
      const how = change();
      expect(await copy(view, target.archive, how)).to.deep.equal({ canceled: 5, requeued: 0 });
      await view.close();
      await target.store.check();
      expect(await target.store.problems()).to.deep.equal([]);
      const tasks = await target.db.collection('tasks').find().toArray();
      expect(tasks).to.have.length(7);
      const open = tasks.filter(
        ({ state, voidAt }) => voidAt === undefined && !['completed', 'canceled'].includes(String(state)),
      );
      expect(open).to.deep.equal([]);
      expect(tasks.filter(({ reason }) => reason === 'restored')).to.have.length(5);
      const [completed] = tasks.filter(({ state }) => state === 'completed');
      expect(completed).to.deep.equal(await db.collection('tasks').findOne({ state: 'completed' }));
      expect(await target.db.collection('processes').countDocuments()).to.equal(0);
      expect(await target.db.collection<Loose>('counters').findOne({ _id: 'seq' })).to.include({ n: 3_000_000 });
      for (const lease of await target.db.collection('leases').find().toArray()) {
        expect(lease).to.include({ holder: '', incarnation: '', epoch: 900, fence: 5_000_000, floor: 3_000_000 });
        expect(lease.until).to.deep.equal(new Date(0));
      }
      const meta = await target.db.collection<Loose>('meta').find().toArray();
      expect(meta.map(({ _id, generation }) => [_id, generation as unknown])).to.deep.equal([['deployment', 2]]);
      expect(await target.db.collection('repositories').countDocuments()).to.equal(1);
      const { schedules } = await target.store.schedules.due(5);
      expect(schedules, 'no slot since the cut is made up').to.deep.equal([]);
      expect((await acceptOne(target.store, newTask())).seq).to.equal(3_000_001);
    });

    it('queues again what may run again, in the old order, behind all numbers and before all new ones', async () => {
      const { view } = await populated();
      const target = await fresh(false);
      expect(await copy(view, target.archive, change({ requeue: true, passOver: false }))).to.deep.equal({
        canceled: 2,
        requeued: 3,
      });
      await view.close();
      const waiting = await target.db.collection('tasks').find({ state: 'waiting' }).sort({ seq: 1 }).toArray();
      expect(waiting.map(({ seq, waitingFor, attempt }) => [seq, waitingFor, attempt] as unknown[])).to.deep.equal([
        [1_000_002, 'resources', 1],
        [1_000_003, 'resources', 0],
        [1_000_005, 'delay', 0],
      ]);
      const lease = await lead(target.store);
      expect(lease).to.include({ epoch: 901, floor: 3_000_000 });
      const [next] = await target.store.tasks.waitingForResources(0, 1);
      const { id, exclusive, shared, maxAttempts } = next!;
      const verdict = await target.store.grants.grant(lease, [{ id, exclusive, shared, maxAttempts }]);
      expect(verdict).to.deep.equal({ kind: 'granted', fence: 5_000_003 });
      expect((await target.store.tasks.get(id))?.grant?.fence).to.equal(5_000_000);
      expect((await target.store.schedules.due(5)).schedules).to.have.length(1);
    });

    it('replaces everything that was there, also collections that the backup does not know', async () => {
      const { view } = await populated();
      const target = await fresh();
      await acceptOne(target.store, newTask({ name: 'old' }));
      await target.db.collection('strangers').insertOne({});
      expect((await target.archive.standing()).occupied).to.deep.equal(['strangers', 'tasks']);
      await copy(view, target.archive, change());
      await view.close();
      expect(await target.db.collection('tasks').countDocuments({ name: 'old' })).to.equal(0);
      const left = (await target.db.listCollections().toArray()).map(({ name }) => name);
      expect(left).not.to.include('strangers');
      expect(left.filter(name => name.startsWith('restoring'))).to.deep.equal([]);
      await target.store.check();
    });

    it('leaves what is there untouched until the switch, and after it is given up', async () => {
      const { view } = await populated();
      const target = await fresh();
      const old = await acceptOne(target.store, newTask({ name: 'old' }));
      const how = change();
      await target.archive.mark({ backup: 'b', phase: 'loading', startedAt: how.at, by: 'test' });
      await target.archive.load('tasks', view.documents('tasks'), how, () => undefined);
      await view.close();
      expect(await target.db.collection('tasks').countDocuments()).to.equal(1);
      await target.archive.abandon();
      await target.archive.unmark();
      await target.store.check();
      expect((await target.store.tasks.get(old.id))?.state).to.equal('waiting');
      expect((await target.db.listCollections().toArray()).filter(({ name }) => name.startsWith('restoring'))).to.deep.equal([]);
    });
  });

  describe('under the mark of a restore', () => {
    const mark = (by: string, startedAt = new Date()) => ({ backup: 'b', phase: 'loading' as const, startedAt, by });

    it('no role starts, none that was away comes back, and manage-db does nothing', async () => {
      const { store, archive, db } = await fresh();
      await archive.mark(mark('host a'));
      for (const refused of [store.check(), store.manage(), store.processes.register(registration(), 60_000)]) {
        expect(await refusal(refused)).to.match(
          /is being restored from the backup b since .* \(host a\).*run `interlock restore DIR` again/,
        );
      }
      expect(await db.collection('processes').countDocuments({ state: 'live' })).to.equal(0);
      await archive.unmark();
      await store.check();
      expect(await store.processes.register(registration(), 60_000)).to.deep.equal({ kind: 'registered' });
    });

    it('one of two restores goes on', async () => {
      const { archive, store } = await fresh();
      await archive.mark(mark('first', new Date(1)));
      expect(await refusal(archive.mark(mark('second', new Date(2)))), 'both began at once').to.match(/Another restore/);
      const found = (await archive.standing()).unfinished;
      await archive.mark(mark('third', new Date(3)), found);
      expect(await refusal(archive.mark(mark('fourth', new Date(4)), found)), 'it found what another has taken').to.match(
        /Another/,
      );
      const late = { at: new Date(1), backup: 'b', given: { seq: 1, fence: 1, epoch: 1, generation: 1 } } as Change;
      expect(await refusal(archive.switchOver(late)), 'the first one was only slow').to.match(/Another restore/);
      expect(await refusal(store.check())).to.include('third');
    });
  });

  it('in scratch databases: what a killed rehearsal left is dropped by the next one, and nothing else', async () => {
    const prefix = `test_archive_${randomBytes(4).toString('hex')}_verify_`;
    const who = (pid: number) => ({ host: 'h', bootId: 'b', pidNamespace: 'n', pid, startTicks: 1 });
    const [left, living, mine] = [
      await open(`${prefix}00000001`),
      await open(`${prefix}00000002`),
      await open(`${prefix}00000003`),
    ];
    await left.scratch.claim(who(1));
    await living.scratch.claim(who(2));
    await open(`${prefix}00000004`);
    await client.db(`${prefix}00000004`).collection('x').insertOne({});
    await mine.scratch.claim(who(3));
    expect(await mine.scratch.dropLeftovers(({ pid }) => pid === 1)).to.deep.equal([`${prefix}00000001`]);
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
    const there = databases.map(({ name }) => name).filter(name => name.startsWith(prefix));
    expect(there.sort()).to.deep.equal([2, 3, 4].map(n => `${prefix}0000000${n}`));
    await mine.scratch.drop();
  });
});
