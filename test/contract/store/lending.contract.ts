import { expect } from 'chai';
import { v4 } from 'uuid';
import type { Task } from '../../../src/core/task.js';
import { acceptOne, granted, lead, newTask, reserving, startAll, type StoreUnderTest } from './support.js';

export function lendingContract(under: StoreUnderTest): void {
  const error = { code: 'X', message: 'm' };

  /** One that runs, holds `r`, and may start again. */
  async function lender(): Promise<{ task: Task; token: string; lease: Awaited<ReturnType<typeof lead>> }> {
    const store = under.store();
    const lease = await lead(store);
    const [task] = await granted(store, lease, reserving(['r'], [], { onWorkerLoss: 'requeue', maxAttempts: 3 }));
    return { task: task!, token: await startAll(store, [task!]), lease };
  }

  describe('tasks that lend what they hold', () => {
    beforeEach(() => under.clear());

    it('say so by the token of their start, as long as they run and hold', async () => {
      const { waits, tasks } = under.store();
      const { task, token } = await lender();
      expect(await waits.lend(task.id, v4()), 'by another start').to.equal(undefined);
      expect(await tasks.get(task.id)).not.to.have.property('lends');
      expect(await waits.lend(task.id, token)).to.equal(task.grant!.fence);
      expect(await under.other().waits.lend(task.id, token), 'repeated').to.equal(task.grant!.fence);
      expect(await tasks.get(task.id)).to.include({ lends: true });
      await tasks.cancel(task.id, 'ann', 'user');
      expect(await waits.lend(task.id, token), 'while it is being cancelled').to.equal(undefined);
      const plain = await acceptOne(under.store(), newTask());
      expect(await waits.lend(plain.id, await startAll(under.store(), [plain])), 'without a grant').to.equal(undefined);
    });

    for (const [how, outcome] of [
      ['its worker is lost', { kind: 'requeued', reason: 'worker-lost' }],
      ['it holds while it is retried', { kind: 'retried', error, delayMs: 0, hold: true }],
    ] as const) {
      it(`give their grant back, and join the lines anew, when ${how}`, async () => {
        const { waits, tasks } = under.store();
        const { task, token } = await lender();
        await waits.lend(task.id, token);
        expect([...(await tasks.finish([{ id: task.id, token, outcome }]))]).to.deep.equal([task.id]);
        const again = (await tasks.get(task.id))!;
        expect(again).to.include({ state: 'waiting', waitingFor: 'retry' });
        expect(again.dueAt).to.be.a('date');
        for (const gone of ['grant', 'lends', 'run', 'readyAt']) expect(again).not.to.have.property(gone);
        expect(again.attempts.at(-1)).to.deep.include({ n: 1, grant: { fence: task.grant!.fence, epoch: task.grant!.epoch } });
        const [due] = await tasks.due(10);
        expect(due).to.deep.equal({ id: task.id, waitingFor: 'retry', holds: false });
        const [moved] = await tasks.promote([due!], await tasks.takeNumbers(1));
        expect(moved).to.include({ waitingFor: 'resources' }).and.have.property('seq').that.is.greaterThan(task.seq);
      });
    }

    it('end like any other', async () => {
      const { waits, tasks } = under.store();
      const { task, token } = await lender();
      await waits.lend(task.id, token);
      await tasks.finish([{ id: task.id, token, outcome: { kind: 'completed', result: 1 } }]);
      expect(await tasks.get(task.id))
        .to.include({ state: 'completed' })
        .and.not.to.have.property('lends');
    });
  });

  describe('grants of borrowers', () => {
    beforeEach(() => under.clear());

    it('are given beside their lenders, and beside nobody else', async () => {
      const store = under.store();
      const { task, lease } = await lender();
      const lent = { task: task.id, fence: task.grant!.fence };
      const [borrower, other] = [
        await acceptOne(store, reserving(['r'], [], { under: lent })),
        await acceptOne(store, reserving(['q'])),
      ];
      expect((await store.tasks.get(borrower.id))?.under).to.deep.equal(lent);
      expect((await store.tasks.byIds([borrower.id]))[0]?.under).to.deep.equal(lent);
      expect(await store.grants.grant(lease, [borrower])).to.deep.equal({ kind: 'conflict', holder: task.id });
      const both = await store.grants.grant(lease, [{ ...borrower, lenders: [task.id] }, other]);
      expect(both.kind).to.equal('granted');
      if (both.kind === 'granted') lease.fence = both.fence;
      const second = await acceptOne(store, reserving(['r'], [], { under: lent }));
      const rival = await store.grants.grant(lease, [{ ...second, lenders: [task.id] }]);
      expect(rival, 'another borrower is a holder like any').to.deep.equal({ kind: 'conflict', holder: borrower.id });
    });

    it('excuse the lenders of one task, and of no other in the batch', async () => {
      const store = under.store();
      const { task, lease } = await lender();
      const borrower = await acceptOne(store, reserving([], ['r'], { under: { task: task.id, fence: task.grant!.fence } }));
      const stranger = await acceptOne(store, reserving([], ['r']));
      const answer = await store.grants.grant(lease, [{ ...borrower, lenders: [task.id] }, stranger]);
      expect(answer).to.deep.equal({ kind: 'conflict', holder: task.id });
    });

    it('keep a lender out that wants its resource anew', async () => {
      const store = under.store();
      const { task, token, lease } = await lender();
      const borrower = await acceptOne(store, reserving(['r'], [], { under: { task: task.id, fence: task.grant!.fence } }));
      await store.waits.lend(task.id, token);
      const given = await store.grants.grant(lease, [{ ...borrower, lenders: [task.id] }]);
      if (given.kind === 'granted') lease.fence = given.fence;
      await store.tasks.finish([{ id: task.id, token, outcome: { kind: 'requeued', reason: 'worker-lost' } }]);
      const [again] = await store.tasks.promote(await store.tasks.due(1), await store.tasks.takeNumbers(1));
      expect(await store.grants.grant(lease, [again!])).to.deep.equal({ kind: 'conflict', holder: borrower.id });
    });
  });
}
