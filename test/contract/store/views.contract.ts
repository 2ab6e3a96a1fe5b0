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
        { finishedAt: new Date(10) },
        { finishedAt: new Date(20) },
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
