import { expect } from 'chai';
import { v7 } from 'uuid';
import type { NewTask, Task } from '../../../src/core/task.js';
import type { Dependent } from '../../../src/store/store.js';
import { acceptOne, newTask, startAll, type StoreUnderTest } from './support.js';

const FUTURE = new Date(Date.UTC(2100, 0));

export function joinsContract(under: StoreUnderTest): void {
  const following = (after: readonly Task[], change: Partial<NewTask> = {}): NewTask =>
    newTask({
      ...{ group: 'g', waitingFor: 'dependencies', join: 'all-success' },
      after: after.map(({ id }, index) => ({ node: `n${index}`, id })),
      ...change,
    });
  const seen = ({ id, seq, after, join }: Task): Dependent => ({ id, seq, join: join!, after: after!.map(each => each.id) });

  describe('tasks that come after others', () => {
    beforeEach(() => under.clear());

    it('are found by what they come after, as long as they wait for it', async () => {
      const store = under.store();
      const [a, b] = [await acceptOne(store, newTask()), await acceptOne(store, newTask())];
      const both = await acceptOne(store, following([a, b]));
      const one = await acceptOne(store, following([b], { join: 'any-success' }));
      expect(both).to.include({ waitingFor: 'dependencies' }).and.not.to.have.property('readyAt');
      expect(await store.joins.dependentsOf([a.id])).to.deep.equal([seen(both)]);
      expect(await store.joins.dependentsOf([a.id, b.id])).to.deep.equal([seen(both), seen(one)]);
      expect(await store.joins.waiting(0, 10)).to.deep.equal([seen(both), seen(one)]);
      expect(await store.joins.waiting(both.seq, 10)).to.deep.equal([seen(one)]);
      expect(await store.joins.waiting(0, 1)).to.deep.equal([seen(both)]);
      await store.tasks.cancel(one.id, 'ann', 'user');
      expect(await store.joins.dependentsOf([b.id])).to.deep.equal([seen(both)]);
    });

    it('are offered to nobody meanwhile', async () => {
      const store = under.store();
      const a = await acceptOne(store, newTask({ queue: 'other' }));
      await acceptOne(store, following([a]));
      expect(await store.tasks.claimable({ queues: ['default'], limit: 5 })).to.deep.equal([]);
      expect(await store.tasks.readyFor('worker', -60_000, 5)).to.have.length(1);
    });

    it('become ready for what they need, with fresh numbers, once', async () => {
      const { joins, tasks } = under.store();
      const a = await acceptOne(under.store(), newTask());
      const plain = await acceptOne(under.store(), following([a]));
      const reserving = await acceptOne(under.store(), following([a], { exclusive: ['r'] }));
      const delayed = await acceptOne(under.store(), following([a], { dueAt: FUTURE }));
      const ids = [plain.id, reserving.id, delayed.id];
      const first = await tasks.takeNumbers(3);
      const moved = await joins.release(ids, first);
      expect(moved.map(({ seq }) => seq).sort((x, y) => x - y)).to.deep.equal([first, first + 1, first + 2]);
      const waitingFor = async (id: string) => (await tasks.get(id))?.waitingFor;
      expect(await Promise.all(ids.map(waitingFor))).to.deep.equal(['worker', 'resources', 'delay']);
      expect(await tasks.get(plain.id))
        .to.have.property('readyAt')
        .that.is.a('date');
      expect(await tasks.get(delayed.id))
        .to.deep.include({ dueAt: FUTURE })
        .and.not.to.have.property('readyAt');
      expect(await joins.release(ids, await tasks.takeNumbers(3)), 'repeated').to.deep.equal([]);
      const again = await under.other().joins.release(ids, first);
      expect(again.map(({ id }) => id).sort(), 'an earlier try is recognised').to.deep.equal([...ids].sort());
    });

    it('are skipped, once, and only while they wait', async () => {
      const { joins, tasks } = under.store();
      const a = await acceptOne(under.store(), newTask());
      const [vain, released] = [await acceptOne(under.store(), following([a])), await acceptOne(under.store(), following([a]))];
      await joins.release([released.id], await tasks.takeNumbers(1));
      expect(await joins.skip([vain.id, released.id])).to.deep.equal([vain.id]);
      expect(await under.other().joins.skip([vain.id]), 'and once more').to.deep.equal([vain.id]);
      const over = (await tasks.get(vain.id))!;
      expect(over).to.include({ state: 'skipped', reason: 'dependency-failed' });
      expect(over).to.have.property('finishedAt').that.is.a('date');
      for (const gone of ['waitingFor', 'grant', 'run']) expect(over).not.to.have.property(gone);
      expect(await tasks.get(released.id)).to.include({ state: 'waiting', waitingFor: 'worker' });
    });

    it('see what became of those before them', async () => {
      const store = under.store();
      const [a, b, c] = [await acceptOne(store, newTask()), await acceptOne(store, newTask()), await acceptOne(store, newTask())];
      const token = await startAll(store, [a, b]);
      const error = { code: 'X', message: 'm' };
      await store.tasks.finish([
        { id: a.id, token, outcome: { kind: 'completed', result: { x: [1] } } },
        { id: b.id, token, outcome: { kind: 'failed', error } },
      ]);
      const ids = [a.id, b.id, c.id, v7()];
      expect([...(await store.joins.states(ids))].sort()).to.deep.equal(
        [
          [a.id, 'completed'],
          [b.id, 'failed'],
          [c.id, 'waiting'],
        ].sort(),
      );
      expect(await store.joins.outcomes(ids)).to.have.deep.members([
        { id: a.id, state: 'completed', result: { x: [1] } },
        { id: b.id, state: 'failed', error },
        { id: c.id, state: 'waiting' },
      ]);
    });
  });

  describe('groups', () => {
    beforeEach(() => under.clear());

    const wish = () => ({ id: v7(), name: 'nightly', kind: 'workflow' as const, correlationId: 'c' });

    it('are stored once, listed newest first, and removed', async () => {
      const { groups } = under.store();
      const [first, second] = [await groups.create(wish()), await groups.create(wish())];
      expect(await under.other().groups.create({ ...first, name: 'other' }), 'repeated').to.deep.equal(first);
      expect(await groups.get(first.id)).to.deep.equal(first);
      expect(await groups.list(10)).to.deep.equal([second, first]);
      expect(await groups.list(10, second.id)).to.deep.equal([first]);
      await groups.remove(second.id);
      expect(await groups.list(10)).to.deep.equal([first]);
      expect(await groups.get(second.id)).to.equal(undefined);
    });

    it('are what their members are', async () => {
      const { groups, tasks } = under.store();
      const { id } = await groups.create(wish());
      const members: Task[] = [];
      for (let n = 0; n < 3; n++) members.push(await acceptOne(under.store(), newTask({ group: id })));
      await acceptOne(under.store(), newTask({ group: 'another' }));
      await tasks.cancel(members[1]!.id, 'ann', 'user');
      expect(await groups.counts(id)).to.deep.equal({ waiting: 2, canceled: 1 });
      const open = [members[0]!.id, members[2]!.id].sort();
      expect(await groups.openMembers(id, 10)).to.deep.equal(open);
      expect(await groups.openMembers(id, 1)).to.deep.equal(open.slice(0, 1));
      expect(await groups.openMembers(id, 10, open[0])).to.deep.equal(open.slice(1));
      const listed = await tasks.list({ group: [id] }, { limit: 10, newestFirst: false });
      expect(listed.items.map(task => task.id)).to.deep.equal(members.map(task => task.id).sort());
    });
  });
}
