import { expect } from 'chai';
import { accept, acceptOne, granted, lead, newTask, reserving, startAll, type StoreUnderTest } from './support.js';

export function linesContract(under: StoreUnderTest): void {
  describe("the resource manager's reads", () => {
    beforeEach(() => under.clear());

    it('shows every number above a mark in order, final tasks and voids included', async () => {
      const { tasks } = under.store();
      const [a, b] = await accept(under.store(), reserving(['r']), newTask());
      const closed = await tasks.takeNumbers(1);
      await tasks.voidNumbers([closed]);
      const c = await acceptOne(under.store(), newTask());
      await tasks.cancel(b!.id, 'ann', 'user');
      const rows = await tasks.range(a!.seq - 1, 10);
      expect(rows.map(row => row.seq)).to.deep.equal([a!.seq, b!.seq, closed, c.seq]);
      expect(rows[2]).to.deep.equal({ seq: closed, void: true });
      expect(rows[0]).to.deep.equal({
        ...{ id: a!.id, seq: a!.seq, name: a!.name, queue: 'default', priority: 4, exclusive: ['r'], shared: [] },
        ...{ state: 'waiting', waitingFor: 'resources', maxAttempts: 1, createdAt: a!.createdAt },
      });
      expect(rows[1]).to.include({ state: 'canceled' });
      expect((await tasks.range(a!.seq, 1)).map(row => row.seq)).to.deep.equal([b!.seq]);
      expect(await tasks.range(c.seq, 10)).to.deep.equal([]);
    });

    it('shows what stands under given numbers', async () => {
      const { tasks } = under.store();
      const task = await acceptOne(under.store(), newTask());
      await tasks.voidNumbers([task.seq + 1]);
      const rows = await tasks.byNumbers([task.seq + 2, task.seq + 1, task.seq]);
      expect(rows.map(row => ('void' in row ? 'void' : row.id))).to.deep.equal([task.id, 'void']);
      expect(await tasks.byNumbers([])).to.deep.equal([]);
    });

    it('closes numbers once, and leaves those alone that a task holds', async () => {
      const { tasks } = under.store();
      const task = await acceptOne(under.store(), newTask());
      const numbers = [task.seq, task.seq + 1, task.seq + 2];
      await Promise.all([tasks.voidNumbers(numbers), under.other().tasks.voidNumbers(numbers)]);
      await tasks.voidNumbers([]);
      const rows = await tasks.byNumbers(numbers);
      expect(rows.map(row => 'void' in row)).to.deep.equal([false, true, true]);
      expect(await tasks.get(task.id)).to.deep.equal(task);
    });

    it('never shows voids as tasks', async () => {
      const { tasks } = under.store();
      const closed = await tasks.takeNumbers(1);
      await tasks.voidNumbers([closed]);
      const id = `void:${closed}`;
      expect(await tasks.get(id)).to.equal(undefined);
      expect(await tasks.byIds([id])).to.deep.equal([]);
      expect(await tasks.list({}, { limit: 10, newestFirst: true })).to.deep.equal({ items: [], more: false });
      expect(await tasks.count({}, 10)).to.equal(0);
      expect(await tasks.countByState()).to.deep.equal({});
      expect(await tasks.remove(id)).to.equal('missing');
    });

    it('shows who holds in pages by fence, also when some end between two pages', async () => {
      const store = under.store();
      const lease = await lead(store);
      const tasks = await granted(store, lease, ...['a', 'b', 'c', 'd', 'e'].map(r => reserving([r], [], { maxAttempts: 3 })));
      const fences = tasks.map(task => task.grant!.fence);
      expect(await store.tasks.holderFences(0, 10)).to.deep.equal(fences);
      expect(await store.tasks.holderFences(fences[1]!, 2)).to.deep.equal(fences.slice(2, 4));
      const first = await store.tasks.holders(0, 2);
      await store.tasks.cancel(tasks[0]!.id, 'ann', 'user');
      await store.tasks.cancel(tasks[2]!.id, 'ann', 'user');
      const second = await store.tasks.holders(first.at(-1)!.grant!.fence, 2);
      expect([...first, ...second].map(task => task.id)).to.deep.equal([0, 1, 3, 4].map(n => tasks[n]!.id));
      expect(await store.tasks.holders(fences[4]!, 2)).to.deep.equal([]);
      expect(await store.tasks.holderFences(fences[4]!, 2)).to.deep.equal([]);
    });

    it('knows who holds and who waits, of all and of one resource', async () => {
      const store = under.store();
      const lease = await lead(store);
      const [x, s1, s2] = await granted(store, lease, reserving(['a']), reserving([], ['b']), reserving(['c'], ['b']));
      const [w1, w2, w3] = await accept(store, reserving(['b']), reserving(['a'], ['b']), reserving(['z']));
      await startAll(store, [x!, s1!]);
      const ids = async (rows: Promise<{ id: string }[]>) => (await rows).map(row => row.id);
      expect(await ids(store.tasks.holders(0, 1_000))).to.have.members([x!.id, s1!.id, s2!.id]);
      expect(await ids(store.tasks.waitingForResources(0, 10))).to.deep.equal([w1!.id, w2!.id, w3!.id]);
      expect(await ids(store.tasks.waitingForResources(w1!.seq, 1))).to.deep.equal([w2!.id]);
      expect(await ids(store.tasks.line('b', 10))).to.deep.equal([s1!.id, s2!.id, w1!.id, w2!.id]);
      expect(await ids(store.tasks.line('b', 3))).to.deep.equal([s1!.id, s2!.id, w1!.id]);
      expect(await ids(store.tasks.line('nobody', 3))).to.deep.equal([]);
      expect(await store.tasks.waitingNumbers(0, 10)).to.deep.equal([w1!.seq, w2!.seq, w3!.seq]);
      expect(await store.tasks.waitingNumbers(w1!.seq, 1)).to.deep.equal([w2!.seq]);
      expect(await store.tasks.countInLines(w2!.seq, 10)).to.deep.equal({ holding: 3, waiting: 2 });
      expect(await store.tasks.countInLines(w2!.seq, 1)).to.deep.equal({ holding: 1, waiting: 1 });
      const [held] = await store.tasks.byIds([x!.id]);
      expect(held?.run?.worker).to.equal('worker@a');
      expect(held?.grant).to.deep.equal(x!.grant);
    });
  });
}
