import { expect } from 'chai';
import type { NewTask } from '../../../src/core/task.js';
import type { InsertVerdict } from '../../../src/store/store.js';
import { acceptOne, newTask, startAll, type StoreUnderTest } from './support.js';

export function uniqueContract(under: StoreUnderTest): void {
  describe('a unique key', () => {
    beforeEach(() => under.clear());

    const keyed = (key: string, during: 'waiting' | 'open' = 'open', change: Partial<NewTask> = {}): NewTask =>
      newTask({ unique: { key, while: during, onConflict: 'return' }, ...change });

    async function inserted(task: NewTask): Promise<InsertVerdict> {
      const { tasks } = under.other();
      return (await tasks.insert([task], await tasks.takeNumbers(1)))[0]!;
    }

    async function isFree(key: string): Promise<boolean> {
      const verdict = await inserted(keyed(key));
      return verdict.kind === 'stored';
    }

    it('is one task at a time, which the others are shown', async () => {
      const first = await acceptOne(under.store(), keyed('k$1'));
      expect(first.unique).to.deep.equal({ key: 'k$1', while: 'open', onConflict: 'return' });
      expect(await inserted(keyed('k$1'))).to.deep.equal({ kind: 'occupied', task: first });
      expect((await inserted(keyed('k$2'))).kind).to.equal('stored');
    });

    it('is given to one of many that want it at the same time', async () => {
      const verdicts = await Promise.all(Array.from({ length: 8 }, () => inserted(keyed('k'))));
      expect(verdicts.filter(({ kind }) => kind === 'stored')).to.have.length(1);
      expect(new Set(verdicts.map(verdict => 'task' in verdict && verdict.task.id)).size).to.equal(1);
    });

    it('keeps a whole batch away, and is no clash with an earlier try of the same', async () => {
      const { tasks } = under.store();
      const batch = [newTask(), keyed('k')];
      const first = await tasks.takeNumbers(2);
      expect((await tasks.insertAll(batch, first)).kind).to.equal('stored');
      expect((await tasks.insertAll(batch, first)).kind, 'again').to.equal('stored');
      const other = newTask();
      const verdict = await tasks.insertAll([other, keyed('k')], await tasks.takeNumbers(2));
      expect(verdict).to.include({ kind: 'occupied' }).and.to.have.nested.property('task.id', batch[1]!.id);
      expect(await tasks.get(other.id)).to.equal(undefined);
    });

    it('gives way to the idempotency key, by which the same request is known', async () => {
      const idempotency = { principal: 'p', key: 'i', bodyHash: 'h' };
      const first = await acceptOne(under.store(), keyed('k', 'open', { idempotency }));
      expect(await inserted(keyed('k', 'open', { idempotency }))).to.deep.equal({ kind: 'duplicate', task: first });
    });

    it('is free when its task has ended, in whatever way', async () => {
      const { tasks } = under.store();
      const task = await acceptOne(under.store(), keyed('run'));
      const token = await startAll(under.store(), [task]);
      expect(await isFree('run'), 'while it runs').to.equal(false);
      await tasks.finish([{ id: task.id, token, outcome: { kind: 'completed', result: null } }]);
      expect(await isFree('run')).to.equal(true);
      const waiting = await acceptOne(under.store(), keyed('cancel'));
      await tasks.cancel(waiting.id, 'ann', 'user');
      expect(await isFree('cancel')).to.equal(true);
      await acceptOne(under.store(), keyed('expire', 'open', { expiresAt: new Date(Date.UTC(2020, 0)) }));
      await tasks.expire(10);
      expect(await isFree('expire')).to.equal(true);
      const given = await acceptOne(under.store(), keyed('given back'));
      const started = await startAll(under.store(), [given]);
      await tasks.cancel(given.id, 'ann', 'user');
      await tasks.giveBack(given.id, started);
      expect(await isFree('given back')).to.equal(true);
    });

    it('is kept by a task that is to run again', async () => {
      const { tasks } = under.store();
      const error = { code: 'X', message: 'm' };
      const outcomes = [
        { kind: 'requeued', reason: 'worker-lost' },
        { kind: 'retried', error, delayMs: 60_000, hold: false },
      ] as const;
      for (const outcome of outcomes) {
        const task = await acceptOne(under.store(), keyed(outcome.kind, 'open', { maxAttempts: 3 }));
        const token = await startAll(under.store(), [task]);
        await tasks.finish([{ id: task.id, token, outcome }]);
        expect(await isFree(outcome.kind), outcome.kind).to.equal(false);
      }
    });

    it('is free from the first start on where it holds while its task waits, also when that runs again', async () => {
      const { tasks } = under.store();
      const task = await acceptOne(under.store(), keyed('k', 'waiting', { maxAttempts: 3 }));
      expect(await isFree('k')).to.equal(false);
      const token = await startAll(under.store(), [task]);
      const next = await inserted(keyed('k', 'waiting'));
      expect(next.kind).to.equal('stored');
      await tasks.finish([{ id: task.id, token, outcome: { kind: 'requeued', reason: 'worker-lost' } }]);
      expect(await tasks.get(task.id)).to.include({ state: 'waiting', waitingFor: 'worker' });
      expect(await isFree('k'), 'the next one has it').to.equal(false);
    });
  });
}
