import { expect } from 'chai';
import { v4, v7 } from 'uuid';
import type { Task } from '../../../src/core/task.js';
import { acceptOne, granted, lead, newTask, reserving, startAll, type StoreUnderTest } from './support.js';

export function waitsContract(under: StoreUnderTest): void {
  const error = { code: 'DEADLOCK', message: 'round and round' };
  const started = async (): Promise<{ task: Task; token: string }> => {
    const task = await acceptOne(under.store(), newTask());
    return { task, token: await startAll(under.store(), [task]) };
  };
  const ids = async (): Promise<string[]> => (await under.store().waits.awaiting(0, 10)).map(({ id }) => id);

  describe('tasks that wait for others', () => {
    beforeEach(() => under.clear());

    it('say so by the token of their start, and no longer than they wait', async () => {
      const { waits, tasks } = under.store();
      const { task, token } = await started();
      const start = { id: task.id, token };
      expect(await waits.await({ ...start, token: v4(), n: 1 }, ['c']), 'by another start').to.equal(false);
      expect(await ids()).to.deep.equal([]);
      expect(await waits.await({ ...start, n: 1 }, ['c', 'd'])).to.equal(true);
      expect(await under.other().waits.await({ ...start, n: 1 }, ['c', 'd']), 'repeated').to.equal(true);
      expect((await tasks.get(task.id))?.awaiting).to.deep.equal(['c', 'd']);
      const [inLine] = await tasks.byIds([task.id]);
      expect(inLine?.awaiting, 'whoever looks for cycles sees it').to.deep.equal(['c', 'd']);
      expect(await ids()).to.deep.equal([task.id]);
      expect(await waits.await({ ...start, n: 2 }, [])).to.equal(true);
      expect(await tasks.get(task.id)).not.to.have.property('awaiting');
      expect(await ids()).to.deep.equal([]);
      expect(await waits.await({ ...start, n: 1 }, ['c']), 'a late write').to.equal(false);
      expect(await tasks.get(task.id)).not.to.have.property('awaiting');
    });

    it('wait for nothing any more when their start is over, however it ended', async () => {
      const { waits, tasks } = under.store();
      const ends: ((id: string, token: string) => Promise<unknown>)[] = [
        (id, token) => tasks.finish([{ id, token, outcome: { kind: 'completed', result: 1 } }]),
        (id, token) => tasks.finish([{ id, token, outcome: { kind: 'requeued', reason: 'worker-lost' } }]),
        (id, token) => tasks.finish([{ id, token, outcome: { kind: 'retried', error, delayMs: 0, hold: false } }]),
        (id, token) => tasks.giveBack(id, token),
      ];
      for (const end of ends) {
        const { task, token } = await started();
        await waits.await({ id: task.id, token, n: 1 }, ['c']);
        await end(task.id, token);
        expect(await tasks.get(task.id)).not.to.have.property('awaiting');
        expect(await waits.await({ id: task.id, token, n: 2 }, ['c']), 'too late').to.equal(false);
      }
      expect(await ids()).to.deep.equal([]);
    });

    it('still wait while they are being cancelled', async () => {
      const { waits, tasks } = under.store();
      const { task, token } = await started();
      await waits.await({ id: task.id, token, n: 1 }, ['c']);
      await tasks.cancel(task.id, 'ann', 'user');
      expect(await tasks.get(task.id)).to.deep.include({ state: 'canceling', awaiting: ['c'] });
      expect(await waits.await({ id: task.id, token, n: 2 }, [])).to.equal(true);
    });

    it('are listed in order of number, page after page', async () => {
      const { waits } = under.store();
      const all = [await started(), await started(), await started()];
      for (const { task, token } of all) await waits.await({ id: task.id, token, n: 1 }, ['c', 'd']);
      const [a, b, c] = all.map(({ task: { id, seq } }) => ({ id, seq }));
      expect(await waits.awaiting(0, 2)).to.deep.equal([a, b]);
      expect(await waits.awaiting(b!.seq, 2)).to.deep.equal([c]);
    });

    it('see what became of those others', async () => {
      const { waits, tasks } = under.store();
      const [a, b, c] = [await started(), await started(), await started()];
      await tasks.finish([
        { id: a.task.id, token: a.token, outcome: { kind: 'completed', result: { x: [1] } } },
        { id: b.task.id, token: b.token, outcome: { kind: 'canceled', reason: 'worker-lost' } },
      ]);
      const { name } = a.task;
      const lent = { name, under: { task: 'lender', fence: 1 } };
      const [holder, chain] = await granted(
        under.store(),
        await lead(under.store()),
        reserving(['r'], [], lent),
        reserving(['q'], [], lent),
      );
      const token = await startAll(under.store(), [holder!]);
      await tasks.finish([{ id: holder!.id, token, outcome: { kind: 'skipped', error } }]);
      const other = await startAll(under.store(), [chain!]);
      await waits.await({ id: chain!.id, token: other, n: 1, fence: 4_711 }, []);
      await tasks.finish([{ id: chain!.id, token: other, outcome: { kind: 'skipped', error } }]);
      expect(await waits.awaited([chain!.id])).to.deep.equal([{ id: chain!.id, name, state: 'skipped', error, fence: 4_711 }]);
      expect(await waits.awaited([a.task.id, b.task.id, c.task.id, holder!.id, v7()])).to.have.deep.members([
        { id: a.task.id, name, state: 'completed', result: { x: [1] } },
        { id: b.task.id, name, state: 'canceled', reason: 'worker-lost' },
        { id: c.task.id, name, state: 'running' },
        { id: holder!.id, name, state: 'skipped', error, fence: holder!.grant!.fence },
      ]);
    });

    it('may fail while they are in line, under the number that was seen, and no later', async () => {
      const store = under.store();
      const task = await acceptOne(store, reserving(['r']));
      expect(await store.waits.failWaiting(task.id, task.seq + 1, error), 'in line anew').to.equal(false);
      expect(await store.waits.failWaiting(task.id, task.seq, error)).to.equal(true);
      expect(await under.other().waits.failWaiting(task.id, task.seq, error), 'repeated').to.equal(true);
      const over = (await store.tasks.get(task.id))!;
      expect(over).to.deep.include({ state: 'failed', error }).and.have.property('finishedAt').that.is.a('date');
      for (const gone of ['waitingFor', 'grant', 'run']) expect(over).not.to.have.property(gone);
      const [holder] = await granted(store, await lead(store), reserving(['s']));
      expect(await store.waits.failWaiting(holder!.id, holder!.seq, error), 'granted').to.equal(false);
      expect(await store.waits.failWaiting(v7(), 1, error), 'unknown').to.equal(false);
    });
  });
}
