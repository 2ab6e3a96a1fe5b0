import { expect } from 'chai';
import { v4 } from 'uuid';
import {
  accept,
  acceptOne,
  delayed,
  granted,
  lead,
  newTask,
  reserving,
  startAll,
  WORKER,
  type StoreUnderTest,
} from './support.js';

const PAST = new Date(Date.UTC(2020, 0));
const FUTURE = new Date(Date.UTC(2100, 0));

export function cancelContract(under: StoreUnderTest): void {
  describe('cancelling', () => {
    beforeEach(() => under.clear());

    it('ends a waiting task at once', async () => {
      const store = under.store();
      const [task] = await granted(store, await lead(store), reserving(['r']));
      const verdict = await store.tasks.cancel(task!.id, '$by', 'user');
      if (verdict.kind !== 'canceled') return expect.fail(verdict.kind);
      expect(verdict.task).to.include({ state: 'canceled', reason: 'user' });
      expect(verdict.task.cancel).to.deep.equal({ at: verdict.task.finishedAt, by: '$by', reason: 'user' });
      for (const gone of ['grant', 'waitingFor', 'dueAt']) expect(verdict.task).not.to.have.property(gone);
      expect(await store.tasks.get(task!.id)).to.deep.equal(verdict.task);
      expect(await store.tasks.holders(0, 1_000)).to.deep.equal([]);
    });

    it('asks a running task to stop, once', async () => {
      const { tasks } = under.store();
      const task = await acceptOne(under.store(), newTask());
      await startAll(under.store(), [task]);
      const first = await tasks.cancel(task.id, 'ann', 'user');
      if (first.kind !== 'canceling') return expect.fail(first.kind);
      expect(first.task).to.include({ state: 'canceling' }).and.not.to.have.property('finishedAt');
      const second = await under.other().tasks.cancel(task.id, 'bob', 'timeout');
      expect(second).to.deep.equal(first);
    });

    it('tells final from missing', async () => {
      const { tasks } = under.store();
      const task = await acceptOne(under.store(), newTask());
      await tasks.cancel(task.id, 'ann', 'user');
      expect(await tasks.cancel(task.id, 'bob', 'user')).to.deep.equal({ kind: 'final', task: await tasks.get(task.id) });
      expect(await tasks.cancel(v4(), 'bob', 'user')).to.deep.equal({ kind: 'missing' });
      const closed = await tasks.takeNumbers(1);
      await tasks.voidNumbers([closed]);
      expect(await tasks.cancel(`void:${closed}`, 'bob', 'user')).to.deep.equal({ kind: 'missing' });
    });

    it('frees what a task holds that was queued again, and keeps its ledger', async () => {
      const store = under.store();
      const [task] = await granted(store, await lead(store), reserving(['r'], [], { maxAttempts: 2 }));
      const token = await startAll(store, [task!]);
      await store.tasks.finish([{ id: task!.id, token, outcome: { kind: 'requeued', reason: 'worker-lost' } }]);
      expect((await store.tasks.cancel(task!.id, 'ann', 'user')).kind).to.equal('canceled');
      expect(await store.tasks.holders(0, 1_000)).to.deep.equal([]);
      expect((await store.tasks.get(task!.id))?.attempts.map(each => each.grant?.fence)).to.deep.equal([task!.grant!.fence]);
    });

    it('races with a start so that one comes after the other', async () => {
      const all = await accept(under.store(), ...Array.from({ length: 12 }, () => newTask()));
      const starts = all.map(({ id }) => ({ id, attempt: 0, fence: 0 }));
      const [started, ...verdicts] = await Promise.all([
        under.store().tasks.start(starts, { ...WORKER, token: v4() }),
        ...all.map(({ id }) => under.other().tasks.cancel(id, 'ann', 'user')),
      ]);
      for (const [n, verdict] of verdicts.entries()) {
        const now = await under.store().tasks.get(all[n]!.id);
        expect(now?.state, verdict.kind).to.equal(started.has(all[n]!.id) ? 'canceling' : 'canceled');
        expect(verdict.kind).to.equal(now?.state);
      }
    });
  });

  describe('delays and expiry', () => {
    beforeEach(() => under.clear());

    it('finds what is due, earliest first', async () => {
      const { tasks } = under.store();
      const later = new Date(PAST.getTime() + 1_000);
      const [a, b] = await accept(
        under.store(),
        delayed(later),
        delayed(PAST, { waitingFor: 'retry' }),
        delayed(FUTURE),
        newTask(),
      );
      const due = [
        { id: b!.id, waitingFor: 'retry' as const, holds: false },
        { id: a!.id, waitingFor: 'delay' as const, holds: false },
      ];
      expect(await tasks.due(10)).to.deep.equal(due);
      expect(await tasks.due(1)).to.deep.equal(due.slice(0, 1));
    });

    it('makes them ready for what they need, behind those that were ready before', async () => {
      const { tasks } = under.store();
      await accept(under.store(), delayed(PAST), delayed(PAST, { exclusive: ['r'] }), delayed(PAST, { shared: ['s'] }));
      const { seq } = await acceptOne(under.store(), newTask());
      const due = await tasks.due(10);
      const first = await tasks.takeNumbers(due.length);
      const moved = await tasks.promote(due, first);
      expect(moved.map(task => task.seq).sort((a, b) => a - b)).to.deep.equal([first, first + 1, first + 2]);
      expect(first).to.be.greaterThan(seq);
      for (const task of moved) {
        expect(task.waitingFor).to.equal(task.exclusive.length + task.shared.length > 0 ? 'resources' : 'worker');
        expect(task).to.have.property('readyAt').that.is.a('date');
        expect(task).not.to.have.property('dueAt');
      }
      expect(await tasks.due(10)).to.deep.equal([]);
      expect(await tasks.promote(due, await tasks.takeNumbers(3)), 'repeated').to.deep.equal([]);
    });

    it('recognises tasks that an earlier try had moved to these numbers, and empties their old ones', async () => {
      const { tasks } = under.store();
      const stored = await accept(under.store(), delayed(PAST), delayed(PAST));
      const [due, first] = [await tasks.due(10), await tasks.takeNumbers(2)];
      const moved = await tasks.promote(due, first);
      const again = await under.other().tasks.promote(due, first);
      expect(again.map(task => [task.id, task.seq])).to.have.deep.members(moved.map(task => [task.id, task.seq]));
      expect(moved).to.have.length(2);
      expect(await tasks.byNumbers(stored.map(task => task.seq))).to.deep.equal([]);
    });

    it('leaves alone what is not due, not delayed as it was, or cancelled', async () => {
      const { tasks } = under.store();
      const [early, retry, gone] = await accept(
        under.store(),
        delayed(FUTURE),
        delayed(PAST, { waitingFor: 'retry' }),
        delayed(PAST),
      );
      await tasks.cancel(gone!.id, 'ann', 'user');
      const asked = [early!, retry!, gone!].map(({ id }) => ({ id, waitingFor: 'delay' as const, holds: false }));
      expect(await tasks.promote(asked, await tasks.takeNumbers(3))).to.deep.equal([]);
      expect(await tasks.get(early!.id)).to.deep.equal(early);
      expect(await tasks.get(retry!.id)).to.deep.equal(retry);
    });

    it('leaves the rest due when a number was closed meanwhile', async () => {
      const { tasks } = under.store();
      await accept(under.store(), delayed(PAST), delayed(PAST), delayed(PAST));
      const due = await tasks.due(10);
      const first = await tasks.takeNumbers(3);
      await tasks.voidNumbers([first + 1]);
      const moved = await tasks.promote(due, first);
      const left = await tasks.due(10);
      expect(moved.map(task => task.id)).not.to.include(due[1]!.id);
      expect([...moved, ...left].map(task => task.id).sort()).to.deep.equal(due.map(task => task.id).sort());
      const again = await tasks.promote(left, await tasks.takeNumbers(left.length));
      expect(again.map(task => task.id).sort()).to.deep.equal(left.map(task => task.id).sort());
    });

    it('cancels what waits past its expiry, whatever it waits for', async () => {
      const store = under.store();
      const [held] = await granted(store, await lead(store), reserving(['r'], [], { expiresAt: PAST }));
      const parent = v4();
      const child = newTask({ expiresAt: PAST, parent, root: parent });
      const waiting = await accept(store, child, delayed(FUTURE, { expiresAt: PAST }));
      const [fresh, running] = await accept(store, newTask({ expiresAt: FUTURE }), newTask());
      await startAll(store, [running!]);
      const late = [held!, ...waiting].map(task => task.id);
      const ended = await store.tasks.expire(2);
      expect(ended).to.have.length(2);
      ended.push(...(await store.tasks.expire(10)));
      expect(ended).to.have.deep.members(late.map(id => (id === child.id ? { id, parent } : { id })));
      expect(await store.tasks.expire(10)).to.deep.equal([]);
      for (const id of late) {
        const task = await store.tasks.get(id);
        expect(task).to.include({ state: 'canceled', reason: 'expired' });
        for (const gone of ['grant', 'waitingFor', 'dueAt']) expect(task).not.to.have.property(gone);
      }
      expect(await store.tasks.get(fresh!.id)).to.deep.equal(fresh);
    });
  });
}
