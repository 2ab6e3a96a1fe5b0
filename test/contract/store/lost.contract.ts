import { expect } from 'chai';
import { v4 } from 'uuid';
import type { Task } from '../../../src/core/task.js';
import type { Store } from '../../../src/store/store.js';
import { accept, lead, newTask, registration, reserving, startAll, WORKER, type StoreUnderTest } from './support.js';

const MINUTE = 60_000;
const PARENT = v4();

export function lostContract(under: StoreUnderTest): void {
  describe('what the dead leave', () => {
    beforeEach(() => under.clear());

    const register = async (store: Store, name: string, incarnation = v4()): Promise<{ name: string; incarnation: string }> => {
      await store.processes.register(registration({ name, incarnation }), MINUTE);
      return { name, incarnation };
    };
    const now = async (id: string): Promise<Task> => (await under.store().tasks.get(id))!;

    it('is running or being cancelled under an incarnation that is not live, whatever its name', async () => {
      const store = under.store();
      const [live, gone] = [await register(store, 'a'), await register(store, 'b')];
      const tasks = await accept(store, ...Array.from({ length: 5 }, () => newTask()));
      await startAll(store, [tasks[0]!], { worker: live.name, incarnation: live.incarnation });
      await startAll(store, [tasks[1]!], { worker: live.name, incarnation: 'former' });
      await startAll(store, [tasks[2]!, tasks[3]!], { worker: gone.name, incarnation: gone.incarnation });
      await store.tasks.cancel(tasks[3]!.id, 'ann', 'user');
      expect((await store.tasks.activeOfTheDead(10)).tasks.map(task => task.id)).to.deep.equal([tasks[1]!.id]);
      await store.processes.stop(gone.name, gone.incarnation);
      const { tasks: dead, next } = await under.other().tasks.activeOfTheDead(10);
      expect(dead).to.deep.equal([await now(tasks[1]!.id), await now(tasks[2]!.id), await now(tasks[3]!.id)]);
      expect(next).to.equal(undefined);
    });

    it('is found page by page, also behind pages on which everybody lives', async () => {
      const store = under.store();
      const live = await register(store, 'a');
      const tasks = await accept(store, ...Array.from({ length: 5 }, () => newTask()));
      const inOrder = tasks.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      await startAll(store, inOrder.slice(0, 4), { worker: live.name, incarnation: live.incarnation });
      await startAll(store, inOrder.slice(4), WORKER);
      const found: string[] = [];
      const pages: number[] = [];
      for (let after: string | undefined; ;) {
        const { tasks: dead, next } = await store.tasks.activeOfTheDead(2, after);
        pages.push(dead.length);
        found.push(...dead.map(task => task.id));
        if (next === undefined) break;
        after = next;
      }
      expect(pages).to.deep.equal([0, 0, 1]);
      expect(found).to.deep.equal([inOrder[4]!.id]);
    });

    it('is canceled where it was assigned to a missing worker, but only what has not started and may not run again', async () => {
      const store = under.store();
      const gone = await register(store, 'gone');
      const lease = await lead(store);
      const again = { onWorkerLoss: 'requeue', maxAttempts: 2 } as const;
      const stored = await accept(
        store,
        reserving(['bound'], [], { parent: PARENT, root: PARENT }),
        ...['started', 'elsewhere', 'free'].map(name => reserving([name])),
        reserving(['again'], [], again),
      );
      const workers = ['gone', 'gone', 'other', undefined, 'gone'];
      const requests = stored.map((task, n) => ({ ...task, ...(workers[n] === undefined ? {} : { worker: workers[n] }) }));
      expect((await store.grants.grant(lease, requests)).kind).to.equal('granted');
      const [bound, started, ...others] = await Promise.all(stored.map(task => now(task.id)));
      const plain = (await accept(store, newTask()))[0]!;
      await startAll(store, [started!], { worker: gone.name, incarnation: gone.incarnation });
      const running = await now(started!.id);

      expect(await store.tasks.cancelAssigned(gone), 'it lives').to.deep.equal([]);
      await store.processes.declareMissing({ ...gone, beat: 0 }, { lapsed: false });
      expect(await store.tasks.cancelAssigned({ ...gone, incarnation: v4() }), 'another incarnation').to.deep.equal([]);
      expect(await store.tasks.cancelAssigned(gone)).to.deep.equal([{ id: bound!.id, parent: PARENT }]);
      expect(await under.other().tasks.cancelAssigned(gone), 'repeated').to.deep.equal([]);

      const final = await now(bound!.id);
      expect(final).to.include({ state: 'canceled', reason: 'worker-lost', attempt: 0 });
      expect(final.finishedAt).to.be.a('date');
      expect(final.attempts).to.deep.equal([]);
      for (const field of ['grant', 'waitingFor', 'run']) expect(final).not.to.have.property(field);
      expect((await store.tasks.holders(0, 10)).map(each => each.id)).to.not.include(bound!.id);
      for (const task of [running, ...others, plain]) expect(await now(task.id)).to.deep.equal(task);
    });

    it('is left alone when the worker is settled, or somebody new under its name', async () => {
      const store = under.store();
      const gone = await register(store, 'w');
      await store.processes.declareMissing({ ...gone, beat: 0 }, { lapsed: false });
      await store.processes.settle(gone.name, gone.incarnation);
      const [task] = await accept(store, reserving(['r']));
      await store.grants.grant(await lead(store), [{ ...task!, worker: 'w' }]);
      expect(await store.tasks.cancelAssigned(gone), 'settled').to.deep.equal([]);
      await register(store, 'w');
      expect(await store.tasks.cancelAssigned(gone), 'replaced').to.deep.equal([]);
      expect((await now(task!.id)).state).to.equal('waiting');
    });
  });
}
