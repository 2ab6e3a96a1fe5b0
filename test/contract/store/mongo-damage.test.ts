import { expect } from 'chai';
import type { Document } from 'mongodb';
import { v4 } from 'uuid';
import { viewOf } from '../../../src/core/task-view.js';
import type { Task } from '../../../src/core/task.js';
import type { TaskDocument } from '../../../src/store/mongo/task-documents.js';
import { DAMAGES, WITHOUT_RUN } from './damages.js';
import { mongoUnderTest } from './mongo-under-test.js';
import { accept, acceptOne, delayed, granted, lead, newTask, reserving, startAll, WORKER } from './support.js';

const PAST = new Date(Date.UTC(2020, 0));

describe('A damaged record in MongoDB', function () {
  this.timeout(60_000);
  const under = mongoUnderTest();
  beforeEach(() => under.clear());

  const damage = async (task: Task, change: Document): Promise<void> => {
    await under.db().collection<TaskDocument>('tasks').updateOne({ _id: task.id }, change);
  };
  const quarantined = async (): Promise<string[]> => {
    const rounds = [];
    for (let round = 0; round < 3; round++) rounds.push(await under.store().tasks.quarantine());
    expect(rounds.slice(0, 2), 'a hand that mends it has time').to.deep.equal([[], []]);
    return rounds[2]!;
  };
  const live = (incarnation: string) =>
    under
      .db()
      .collection<{ _id: string }>('processes')
      .insertOne({ _id: incarnation, state: 'live', incarnation } as never);

  for (const [what, change] of DAMAGES) {
    it(`with ${what} hurts only itself, and ends as failed`, async () => {
      const { tasks } = under.store();
      const [bad, a, b] = await accept(under.store(), newTask({ priority: 9 }), newTask(), newTask());
      await damage(bad!, change);
      const claimed = await tasks.claimable({ queues: ['default'], worker: 'w', limit: 2 });
      expect(claimed.map(task => task.id)).to.deep.equal([a!.id, b!.id]);
      expect((await tasks.readyFor('worker', 0, 2)).map(task => task.id)).to.deep.equal([a!.id, b!.id]);
      expect((await tasks.list({}, { limit: 9, newestFirst: false })).items.map(task => task.id)).to.include(a!.id);
      expect((await tasks.range(0, 9)).map(row => row.seq)).to.deep.equal([bad!.seq, a!.seq, b!.seq]);
      await tasks.get(bad!.id);
      await tasks.line('a', 9);
      expect(await quarantined()).to.deep.equal([bad!.id]);
      const after = (await tasks.get(bad!.id))!;
      expect(after).to.include({ state: 'failed' });
      expect(after.error?.code).to.equal('DAMAGED_RECORD');
      expect(viewOf(after)).to.include({ id: bad!.id, state: 'failed', waitingFor: null });
      expect(await tasks.quarantine()).to.deep.equal([]);
      expect(await tasks.get(a!.id)).to.deep.equal(a);
    });
  }

  const run = { worker: 'w', incarnation: 'i', token: 't', at: PAST };
  for (const [what, change] of [...DAMAGES, ['a run while it waits', { $set: { run } }] as const]) {
    it(`with ${what} is not begun by the one step that reads a task only when it has started it`, async () => {
      const { tasks } = under.store();
      const [bad, good] = await accept(under.store(), newTask({ priority: 9 }), newTask());
      await damage(bad!, change);
      const asStored = (): Promise<Document | null> =>
        under
          .db()
          .collection<{ _id: string }>('tasks')
          .findOne({ _id: bad!.id }, { projection: { state: 1, waitingFor: 1, attempt: 1, run: 1, startedAt: 1 } });
      const before = await asStored();
      expect((await tasks.startBest(['default'], { ...WORKER, token: v4() }))?.id).to.equal(good!.id);
      expect(await asStored()).to.deep.equal(before);
    });
  }

  for (const [what, change] of DAMAGES.filter(([kind]) => kind !== WITHOUT_RUN)) {
    it(`with ${what} that runs is ended by its worker, in one batch with others`, async () => {
      const { tasks } = under.store();
      const two = await accept(under.store(), newTask(), newTask());
      const token = await startAll(under.store(), two);
      await live(WORKER.incarnation);
      await damage(two[0]!, change);
      expect((await tasks.namedBy(WORKER.incarnation)).map(task => task.id)).to.have.members(two.map(task => task.id));
      expect(await quarantined(), 'it may be running').to.deep.equal([]);
      const ids = two.map(({ id }) => id);
      const endings = ids.map(id => ({ id, token, outcome: { kind: 'completed', result: 1 } as const }));
      expect([...(await tasks.finish(endings))]).to.have.members(ids);
      for (const id of ids) expect(await tasks.get(id)).to.deep.include({ state: 'completed', result: 1 });
    });
  }

  it('is left alone by the sweep of delays, and does not keep others from their time', async () => {
    const { tasks } = under.store();
    const [bad, good] = await accept(under.store(), delayed(PAST), delayed(new Date(PAST.getTime() + 1)));
    await damage(bad!, { $set: { exclusive: 5 } });
    expect(await tasks.due(1)).to.deep.equal([{ id: good!.id, waitingFor: 'delay', holds: false }]);
    const both = [bad!, good!].map(({ id }) => ({ id, waitingFor: 'delay' as const, holds: false }));
    const moved = await tasks.promote(both, await tasks.takeNumbers(2));
    expect(moved.find(task => task.id === good!.id)).to.include({ waitingFor: 'worker' });
    const claimed = await tasks.claimable({ queues: ['default'], worker: 'w', limit: 9 });
    expect(
      claimed.map(task => task.id),
      'what it reserves is unknown',
    ).to.deep.equal([good!.id]);
  });

  it('that would start without the lock it names is not started', async () => {
    const { tasks } = under.store();
    const task = await acceptOne(under.store(), newTask());
    await damage(task, { $set: { exclusive: ['r'] } });
    expect(await tasks.claimable({ queues: ['default'], worker: 'w', limit: 9 })).to.deep.equal([]);
    expect((await tasks.byIds([task.id]))[0]?.damaged).to.match(/no grant/);
  });

  const held: [what: string, change: Document][] = [
    ['another word for its state', { $set: { state: 'runing' } }],
    ['no "shared"', { $unset: { shared: 1 } }],
    ['half a grant', { $unset: { 'grant.at': 1, 'grant.epoch': 1 } }],
    ['no run', { $unset: { run: 1 } }],
    ['a run that names nobody', { $set: { run: { worker: 5 } } }],
  ];
  for (const [what, change] of held) {
    it(`with ${what} still holds its resources`, async () => {
      const store = under.store();
      const lease = await lead(store);
      const [holder] = await granted(store, lease, reserving(['r']));
      await startAll(store, [holder!]);
      await live(WORKER.incarnation);
      const next = await acceptOne(store, reserving(['r']));
      await damage(holder!, change);
      const [found] = await store.tasks.holders(0, 1_000);
      expect(found).to.deep.include({ id: holder!.id, exclusive: ['r'] });
      expect(found?.damaged).to.be.a('string');
      expect(await store.grants.grant(lease, [next])).to.deep.equal({ kind: 'conflict', holder: holder!.id });
      expect(await quarantined(), 'it may be running').to.deep.equal([]);
      expect((await store.tasks.holders(0, 1_000)).map(task => task.id)).to.deep.equal([holder!.id]);
    });
  }

  it('that is a copy of another one is not lost between two pages of holders', async () => {
    const store = under.store();
    const [first, second] = await granted(store, await lead(store), reserving(['r']), reserving(['s']));
    await damage(second!, { $set: { 'grant.fence': first!.grant!.fence } });
    const page = await store.tasks.holders(0, 1);
    expect(page.map(task => task.id)).to.have.members([first!.id, second!.id]);
  });

  it('that runs with a grant that has no number still holds its resources', async () => {
    const store = under.store();
    const [holder] = await granted(store, await lead(store), reserving(['r']));
    await startAll(store, [holder!]);
    await damage(holder!, { $set: { 'grant.fence': 'lost' } });
    const [found] = await store.tasks.holders(0, 10);
    expect(found).to.deep.include({ id: holder!.id, exclusive: ['r'] });
    expect(found?.grant?.fence).to.equal(0);
  });

  it('that ran on a dead process ends, and frees what it held', async () => {
    const store = under.store();
    const lease = await lead(store);
    const [holder] = await granted(store, lease, reserving(['r']));
    await startAll(store, [holder!]);
    const next = await acceptOne(store, reserving(['r']));
    await damage(holder!, { $set: { attempts: 0, tags: 'x' } });
    await store.tasks.active(5);
    expect(await quarantined()).to.deep.equal([holder!.id]);
    expect((await store.grants.grant(lease, [next])).kind).to.equal('granted');
    const after = (await store.tasks.get(holder!.id))!;
    expect(viewOf(after).attempts).to.have.length(1);
  });

  it('is offered again once somebody has mended it', async () => {
    const { tasks } = under.store();
    const task = await acceptOne(under.store(), newTask());
    const query = { queues: ['default'], worker: 'w', limit: 2 };
    await damage(task, { $set: { args: 5 } });
    expect(await tasks.claimable(query)).to.deep.equal([]);
    await damage(task, { $set: { args: '[1]' } });
    expect(await tasks.quarantine()).to.deep.equal([]);
    expect((await tasks.claimable(query)).map(({ args }) => args)).to.deep.equal([[1]]);
  });

  it('is stepped over, however many there are of it', async () => {
    const { tasks } = under.store();
    const bad = await accept(under.store(), ...Array.from({ length: 30 }, () => newTask({ priority: 9 })));
    const good = await acceptOne(under.store(), newTask());
    await under
      .db()
      .collection('tasks')
      .updateMany({ priority: 9 }, { $set: { kwargs: '' } });
    const query = { queues: ['default'], worker: 'w', limit: 2 };
    let found: Task[] = [];
    for (let claim = 0; claim < 4 && found.length === 0; claim++) found = await tasks.claimable(query);
    expect(found.map(task => task.id)).to.deep.equal([good.id]);
    expect(await quarantined()).to.have.members(bad.map(task => task.id));
  });

  it('keeps no counter from being found again', async () => {
    const store = under.store();
    const tasks = await accept(store, newTask(), newTask());
    await damage(tasks[0]!, { $set: { maxAttempts: 'many', grant: { fence: 'x' }, seq: 'first' } });
    await under.db().collection('counters').deleteMany({});
    await store.manage();
    expect(await store.tasks.takeNumbers(1)).to.equal(tasks[1]!.seq + 1);
  });
});
