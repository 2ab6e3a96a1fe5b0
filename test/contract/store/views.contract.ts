import { expect } from 'chai';
import { v4 } from 'uuid';
import type { NewTask, Task } from '../../../src/core/task.js';
import type { TaskFilter } from '../../../src/store/store.js';
import { accept, acceptOne, newTask, startAll, type StoreUnderTest } from './support.js';

export function viewsContract(under: StoreUnderTest): void {
  describe('views', () => {
    beforeEach(() => under.clear());

    it('find nothing to quarantine where nothing is damaged', async () => {
      const task = await acceptOne(under.store(), newTask());
      for (let round = 0; round < 3; round++) expect(await under.store().tasks.quarantine()).to.deep.equal([]);
      expect(await under.store().tasks.get(task.id)).to.deep.equal(task);
    });

    const found = async (filter: TaskFilter): Promise<string[]> => {
      const { items } = await under.store().tasks.list(filter, { limit: 100, newestFirst: false });
      expect(await under.store().tasks.count(filter, 100), 'count').to.equal(items.length);
      return items.map(task => task.id);
    };

    it('walks forth and back through pages without a gap or a repetition', async () => {
      const { tasks } = under.store();
      const all = (await accept(under.store(), ...Array.from({ length: 7 }, () => newTask()))).map(task => task.id);
      for (const newestFirst of [false, true]) {
        const order = newestFirst ? all.toReversed() : all;
        const first = await tasks.list({}, { limit: 3, newestFirst });
        const second = await tasks.list({}, { limit: 3, newestFirst, after: first.items.at(-1)!.id });
        const third = await tasks.list({}, { limit: 3, newestFirst, after: second.items.at(-1)!.id });
        const pages = [first, second, third];
        expect(pages.flatMap(page => page.items.map(task => task.id))).to.deep.equal(order);
        expect(pages.map(page => page.more)).to.deep.equal([true, true, false]);
        const back = await tasks.list({}, { limit: 3, newestFirst, before: third.items[0]!.id });
        expect(back).to.deep.equal({ items: second.items, more: true });
        expect(await tasks.list({}, { limit: 3, newestFirst, before: second.items[0]!.id })).to.deep.equal({
          ...first,
          more: false,
        });
      }
    });

    it('walks through what has ended in the order of its ends, forth and back', async () => {
      const { tasks } = under.store();
      const ended = (ms: number, change: Partial<NewTask> = {}) =>
        newTask({ state: 'completed', finishedAt: new Date(ms), ...change });
      const [c, a, b, d, failed] = await accept(
        under.store(),
        ...[ended(30), ended(10), ended(10), ended(40), ended(20, { state: 'failed' }), newTask()],
      );
      const order = [a, b, failed, c, d].map(task => task!.id);
      const place = (task: Task) => ({ id: task.id, finishedAt: task.finishedAt! });
      for (const newestFirst of [false, true]) {
        const expected = newestFirst ? order.toReversed() : order;
        const first = await tasks.listEnded({}, { limit: 2, newestFirst });
        const second = await tasks.listEnded({}, { limit: 2, newestFirst, after: place(first.items[1]!) });
        const third = await tasks.listEnded({}, { limit: 2, newestFirst, after: place(second.items[1]!) });
        expect([first, second, third].flatMap(page => page.items.map(({ id }) => id))).to.deep.equal(expected);
        expect([first, second, third].map(({ more }) => more)).to.deep.equal([true, true, false]);
        expect(await tasks.listEnded({}, { limit: 2, newestFirst, before: place(third.items[0]!) })).to.deep.equal(second);
      }
      const some = async (filter: TaskFilter) =>
        (await tasks.listEnded(filter, { limit: 9, newestFirst: false })).items.map(({ id }) => id);
      expect(await some({ finishedAfter: new Date(10), finishedBefore: new Date(30) })).to.deep.equal(order.slice(0, 3));
      expect(await some({ state: ['failed', 'running'] })).to.deep.equal([failed!.id]);
      expect(await some({ state: ['waiting'] })).to.deep.equal([]);
    });

    it('gives ids alone, oldest first, page after page', async () => {
      const { tasks } = under.store();
      const all = (await accept(under.store(), ...Array.from({ length: 5 }, () => newTask()))).map(task => task.id);
      await acceptOne(under.store(), newTask({ queue: 'q' }));
      const filter = { queue: ['default'] };
      expect(await tasks.ids(filter, 3)).to.deep.equal(all.slice(0, 3));
      expect(await tasks.ids(filter, 3, all[2])).to.deep.equal(all.slice(3));
      expect(await tasks.ids(filter, 3, all[4])).to.deep.equal([]);
    });

    const cases: [name: string, filter: TaskFilter, match: Partial<NewTask>, miss: Partial<NewTask>][] = [
      ['name', { name: ['$a', 'b'] }, { name: '$a' }, { name: 'c' }],
      ['queue', { queue: ['q'] }, { queue: 'q' }, {}],
      ['tag', { tag: ['x', 'y'] }, { tags: ['w', 'x'] }, { tags: ['w'] }],
      ['parent', { parent: ['p'] }, { parent: 'p' }, {}],
      ['correlation id', { correlationId: ['$id'] }, { correlationId: '$id' }, {}],
      [
        'schedule',
        { schedule: ['s'] },
        { schedule: { id: 's', slot: new Date(0) } },
        { schedule: { id: 't', slot: new Date(0) } },
      ],
      ['exclusive resource', { resource: ['r', 'q'] }, { exclusive: ['a', 'r'] }, { exclusive: ['a'] }],
      ['shared resource', { resource: ['r'] }, { shared: ['r'] }, { shared: ['b'] }],
      ['state', { state: ['skipped', 'failed'] }, { state: 'failed' }, { state: 'completed' }],
      ['all at once', { name: ['n'], tag: ['t'], state: ['waiting'] }, { name: 'n', tags: ['t'] }, { name: 'n' }],
      [
        'end time',
        { finishedAfter: new Date(10), finishedBefore: new Date(20) },
        { state: 'completed', finishedAt: new Date(10) },
        { state: 'completed', finishedAt: new Date(20) },
      ],
    ];
    for (const [name, filter, match, miss] of cases) {
      it(`filters by ${name}`, async () => {
        const [a] = await accept(under.store(), newTask(match), newTask(miss));
        expect(await found(filter)).to.deep.equal([a!.id]);
      });
    }

    it('filters by creation time, half open', async () => {
      const { id, createdAt } = await acceptOne(under.store(), newTask());
      const later = new Date(createdAt.getTime() + 1);
      expect(await found({ createdAfter: createdAt, createdBefore: later })).to.deep.equal([id]);
      expect(await found({ createdAfter: later })).to.deep.equal([]);
      expect(await found({ createdBefore: createdAt })).to.deep.equal([]);
    });

    it('filters by worker, while it runs there and after', async () => {
      const [a] = await accept(under.store(), newTask(), newTask());
      const token = await startAll(under.store(), [a!]);
      expect(await found({ worker: ['worker@a'] })).to.deep.equal([a!.id]);
      await under.store().tasks.finish([{ id: a!.id, token, outcome: { kind: 'completed', result: 1 } }]);
      expect(await found({ worker: ['worker@a', 'worker@b'] })).to.deep.equal([a!.id]);
      expect(await found({ worker: ['worker@b'] })).to.deep.equal([]);
    });

    it('names the queues that tasks stand in', async () => {
      await accept(under.store(), ...['b', 'a', 'b', 'c'].map(queue => newTask({ queue })));
      expect(await under.store().tasks.queues(10)).to.deep.equal(['a', 'b', 'c']);
      expect(await under.store().tasks.queues(2)).to.deep.equal(['a', 'b']);
    });

    it('counts up to a cap, and by state', async () => {
      const { tasks } = under.store();
      const all = await accept(under.store(), ...Array.from({ length: 5 }, () => newTask()));
      await startAll(under.store(), [all[0]!]);
      await tasks.cancel(all[1]!.id, 'ann', 'user');
      expect(await tasks.count({}, 3)).to.equal(3);
      expect(await tasks.count({ state: ['waiting'] }, 10)).to.equal(3);
      expect(await tasks.countByState()).to.deep.equal({ waiting: 3, running: 1, canceled: 1 });
    });

    it('deletes final tasks only', async () => {
      const { tasks } = under.store();
      const { id, seq }: Task = await acceptOne(under.store(), newTask());
      expect(await tasks.remove(id)).to.equal('not-final');
      await tasks.cancel(id, 'ann', 'user');
      expect(await tasks.remove(id)).to.equal('deleted');
      expect(await tasks.remove(id)).to.equal('missing');
      expect(await tasks.get(id)).to.equal(undefined);
      expect(await tasks.byNumbers([seq]), 'nothing stands under its number').to.deep.equal([]);
      expect(await tasks.get(v4())).to.equal(undefined);
    });
  });
}
