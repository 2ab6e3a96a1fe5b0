import { expect } from 'chai';
import { v4 } from 'uuid';
import type { Ending, Outcome } from '../../../src/core/outcome.js';
import type { ProgressReport, Task } from '../../../src/core/task.js';
import { accept, acceptOne, granted, lead, NASTY, newTask, startAll, WORKER, type StoreUnderTest } from './support.js';

const LOST: Outcome = { kind: 'failed', error: { code: 'POISONED', message: 'lost' }, reason: 'worker-lost' };
const bar = (state: ProgressReport['state'], code = 'c'): ProgressReport => ({
  code,
  message: '',
  done: 1,
  total: 2,
  suffix: null,
  state,
});

export function finishContract(under: StoreUnderTest): void {
  describe('finishing', () => {
    beforeEach(() => under.clear());

    const running = async (change: Parameters<typeof newTask>[0] = {}): Promise<{ task: Task; token: string }> => {
      const task = await acceptOne(under.store(), newTask(change));
      return { task, token: await startAll(under.store(), [task]) };
    };
    const end = (id: string, token: string, outcome: Outcome) => under.store().tasks.finish([{ id, token, outcome }]);
    const now = async (id: string): Promise<Task> => (await under.store().tasks.get(id))!;

    it('completes with any result, null too', async () => {
      const results = [null, 0, '', '$5 off', NASTY, [NASTY], 'x'.repeat(200_000)];
      const tasks = await accept(under.store(), ...results.map(() => newTask()));
      const token = await startAll(under.store(), tasks);
      const endings = tasks.map(({ id }, n): Ending => ({ id, token, outcome: { kind: 'completed', result: results[n]! } }));
      expect(await under.store().tasks.finish(endings)).to.deep.equal(new Set(tasks.map(task => task.id)));
      for (const [n, { id }] of tasks.entries()) {
        const task = await now(id);
        expect(task.state).to.equal('completed');
        expect(JSON.stringify(task.result)).to.equal(JSON.stringify(results[n]));
      }
    });

    it('moves the run into the ledger and leaves nothing of it on the task', async () => {
      const store = under.store();
      const [task] = await granted(store, await lead(store), newTask({ waitingFor: 'resources', exclusive: ['r'] }));
      const token = await startAll(store, [task!]);
      const { run } = await now(task!.id);
      const exit = { code: null, signal: 'SIGKILL' };
      await end(task!.id, token, { kind: 'failed', error: { code: 'CHILD_DIED', message: '$died', traceback: '{$x}' }, exit });
      const final = await now(task!.id);
      for (const gone of ['run', 'grant', 'waitingFor', 'result', 'reason']) expect(final).not.to.have.property(gone);
      expect(final).to.deep.include({ state: 'failed', error: { code: 'CHILD_DIED', message: '$died', traceback: '{$x}' } });
      expect(final.attempts).to.deep.equal([
        {
          ...{ n: 1, ...WORKER, token, reason: 'failed', exit, startedAt: run!.at, finishedAt: final.finishedAt },
          grant: { fence: task!.grant!.fence, epoch: task!.grant!.epoch },
        },
      ]);
      expect(await store.tasks.holders(0, 1_000)).to.deep.equal([]);
    });

    it('takes many kinds of ends in one call', async () => {
      const tasks = await accept(under.store(), ...Array.from({ length: 4 }, () => newTask({ maxAttempts: 3 })));
      const token = await startAll(under.store(), tasks);
      const outcomes: Outcome[] = [
        { kind: 'completed', result: 1 },
        { kind: 'failed', error: { code: 'X', message: 'm' }, reason: 'timeout' },
        { kind: 'canceled', reason: 'worker-lost' },
        { kind: 'requeued', reason: 'worker-lost' },
      ];
      const ended = await under.store().tasks.finish(tasks.map(({ id }, n) => ({ id, token, outcome: outcomes[n]! })));
      expect(ended.size).to.equal(4);
      const after = await Promise.all(tasks.map(task => now(task.id)));
      expect(after.map(({ state, reason }) => [state, reason])).to.deep.equal([
        ['completed', undefined],
        ['failed', 'timeout'],
        ['canceled', 'worker-lost'],
        ['waiting', undefined],
      ]);
      expect(after.map(task => task.attempts[0]?.reason)).to.deep.equal(['completed', 'timeout', 'worker-lost', 'worker-lost']);
    });

    it('queues again with the grant kept, ready from now on, and the next start counts on', async () => {
      const store = under.store();
      const [task] = await granted(
        store,
        await lead(store),
        newTask({ waitingFor: 'resources', exclusive: ['r'], maxAttempts: 2 }),
      );
      const token = await startAll(store, [task!]);
      await end(task!.id, token, { kind: 'requeued', reason: 'worker-lost' });
      const again = await now(task!.id);
      expect(again).to.deep.include({ state: 'waiting', waitingFor: 'worker', attempt: 1, grant: task!.grant });
      for (const gone of ['run', 'startedAt', 'finishedAt', 'reason']) expect(again).not.to.have.property(gone);
      expect(again.readyAt).to.deep.equal(again.attempts[0]!.finishedAt);
      expect((await store.tasks.holders(0, 1_000)).map(each => each.id)).to.deep.equal([task!.id]);
      const second = await startAll(store, [again]);
      await end(task!.id, second, { kind: 'completed', result: true });
      expect((await now(task!.id)).attempts.map(each => [each.n, each.reason])).to.deep.equal([
        [1, 'worker-lost'],
        [2, 'completed'],
      ]);
    });

    for (const outcome of [
      { kind: 'requeued', reason: 'worker-lost' },
      { kind: 'canceled', reason: 'worker-lost' },
      LOST,
    ] satisfies Outcome[]) {
      it(`ends a cancelled task as canceled, with the reason of its cancel, when it is ${outcome.kind} for a lost worker`, async () => {
        const { task, token } = await running({ maxAttempts: 2 });
        await under.store().tasks.cancel(task.id, 'ann', 'user');
        expect((await end(task.id, token, outcome)).size).to.equal(1);
        const final = await now(task.id);
        expect(final).to.include({ state: 'canceled', reason: 'user' }).and.not.to.have.property('error');
        expect(final.attempts[0]?.reason).to.equal('user');
        expect((await end(task.id, token, outcome)).size, 'repeated').to.equal(1);
      });
    }

    it('lets a body that ended by itself keep its end, cancelled or not', async () => {
      const [a, b] = [await running(), await running()];
      for (const { task } of [a, b]) await under.store().tasks.cancel(task.id, 'ann', 'user');
      await end(a.task.id, a.token, { kind: 'completed', result: 7 });
      await end(b.task.id, b.token, { kind: 'failed', error: { code: 'X', message: 'm' } });
      expect(await now(a.task.id)).to.include({ state: 'completed', result: 7 });
      expect(await now(b.task.id)).to.include({ state: 'failed' });
    });

    it('closes the reports that were left open, as the task ended', async () => {
      const { task, token } = await running();
      await under.store().tasks.report(task.id, token, { progress: [bar('running'), bar('failed', 'd')], createdResources: [] });
      await end(task.id, token, { kind: 'completed', result: null });
      expect((await now(task.id)).progress).to.deep.equal([bar('completed'), bar('failed', 'd')]);
    });

    it('refuses a token that is not that of the run', async () => {
      const { task } = await running();
      expect((await end(task.id, v4(), { kind: 'completed', result: 1 })).size).to.equal(0);
      expect((await now(task.id)).state).to.equal('running');
    });

    it('refuses the token of one task for another', async () => {
      const [a, b] = [await running(), await running()];
      const swapped = [
        { id: a.task.id, token: b.token, outcome: { kind: 'completed' as const, result: 1 } },
        { id: b.task.id, token: a.token, outcome: { kind: 'completed' as const, result: 1 } },
      ];
      expect((await under.store().tasks.finish(swapped)).size).to.equal(0);
      expect((await now(a.task.id)).state).to.equal('running');
    });

    it('recognises an end that had landed, and tells it from another end of the same start', async () => {
      const { task, token } = await running();
      const completed: Outcome = { kind: 'completed', result: 1 };
      expect((await end(task.id, token, completed)).size).to.equal(1);
      const before = await now(task.id);
      expect((await end(task.id, token, completed)).size, 'the very same').to.equal(1);
      expect((await end(task.id, token, { kind: 'canceled', reason: 'worker-lost' })).size, 'of a sweep').to.equal(0);
      expect(await now(task.id)).to.deep.equal(before);
    });

    it('recognises the end of an earlier start while a later one runs', async () => {
      const { task, token } = await running({ maxAttempts: 2 });
      const requeued: Outcome = { kind: 'requeued', reason: 'worker-lost' };
      await end(task.id, token, requeued);
      await startAll(under.store(), [await now(task.id)]);
      const second = await now(task.id);
      expect((await end(task.id, token, requeued)).size, 'the very same').to.equal(1);
      expect((await end(task.id, token, { kind: 'completed', result: 1 })).size, 'of the body, too late').to.equal(0);
      expect(await now(task.id), 'the second start goes on').to.deep.equal(second);
    });

    it('knows no end of a start that was given back, nor of a task that is gone', async () => {
      const { task, token } = await running();
      await under.store().tasks.giveBack(task.id, token);
      expect((await end(task.id, token, { kind: 'completed', result: 1 })).size).to.equal(0);
      expect(await now(task.id)).to.deep.equal(task);
      expect((await end(v4(), token, { kind: 'completed', result: 1 })).size).to.equal(0);
    });

    it('races with a cancel so that one comes after the other, and the end of the body holds', async () => {
      const tasks = await accept(under.store(), ...Array.from({ length: 12 }, () => newTask()));
      const token = await startAll(under.store(), tasks);
      const endings = tasks.map(({ id }): Ending => ({ id, token, outcome: { kind: 'completed', result: 1 } }));
      const [ended, ...verdicts] = await Promise.all([
        under.store().tasks.finish(endings),
        ...tasks.map(({ id }) => under.other().tasks.cancel(id, 'ann', 'user')),
      ]);
      expect(ended.size).to.equal(12);
      for (const [n, verdict] of verdicts.entries()) {
        const task = await now(tasks[n]!.id);
        expect(task.state, verdict.kind).to.equal('completed');
        expect(['canceling', 'final']).to.include(verdict.kind);
        expect(task.cancel !== undefined, verdict.kind).to.equal(verdict.kind === 'canceling');
      }
    }).timeout(30_000);

    it('lets the end of a body and the verdict of a sweep race, and one of them win', async () => {
      const tasks = await accept(under.store(), ...Array.from({ length: 12 }, () => newTask({ maxAttempts: 2 })));
      const token = await startAll(under.store(), tasks);
      const all = (outcome: Outcome) => tasks.map(({ id }): Ending => ({ id, token, outcome }));
      const [bodies, sweep] = await Promise.all([
        under.store().tasks.finish(all({ kind: 'completed', result: 1 })),
        under.other().tasks.finish(all({ kind: 'requeued', reason: 'worker-lost' })),
      ]);
      for (const { id } of tasks) {
        const { state, attempts } = await now(id);
        expect([bodies.has(id), sweep.has(id)]).to.deep.equal([state === 'completed', state === 'waiting']);
        expect(attempts.map(each => each.reason)).to.deep.equal([state === 'completed' ? 'completed' : 'worker-lost']);
      }
    }).timeout(30_000);

    it('takes more than one command can hold, and an id twice', async () => {
      const tasks = await accept(under.store(), ...Array.from({ length: 103 }, () => newTask()));
      const token = await startAll(under.store(), tasks);
      const big = 'x'.repeat(1_000_000);
      const endings = tasks.map(({ id }, n): Ending => ({ id, token, outcome: { kind: 'completed', result: n < 6 ? big : n } }));
      const twice = { ...endings[0]!, token: v4() };
      const ended = await under.store().tasks.finish([twice, ...endings]);
      expect(ended.size).to.equal(103);
      expect((await now(tasks[5]!.id)).result).to.equal(big);
      expect((await now(tasks[102]!.id)).result).to.equal(102);
    }).timeout(30_000);

    it('gives a start back as if it had not been', async () => {
      const store = under.store();
      const [task] = await granted(store, await lead(store), newTask({ waitingFor: 'resources', exclusive: ['r'] }));
      const token = await startAll(store, [task!]);
      expect(await store.tasks.giveBack(task!.id, v4())).to.equal(false);
      expect(await store.tasks.giveBack(task!.id, token)).to.equal(true);
      expect(await now(task!.id)).to.deep.equal(task);
      expect(await store.tasks.giveBack(task!.id, token), 'repeated').to.equal(false);
    });

    it('ends a cancelled start that is given back', async () => {
      const { task, token } = await running();
      await under.store().tasks.cancel(task.id, 'ann', 'user');
      expect(await under.store().tasks.giveBack(task.id, token)).to.equal(true);
      const final = await now(task.id);
      expect(final).to.include({ state: 'canceled', reason: 'user', attempt: 1 }).and.not.to.have.property('run');
      expect(final.finishedAt).to.be.a('date');
      expect(final.attempts.map(each => [each.reason, each.token])).to.deep.equal([['given-back', token]]);
    });

    it('lists what ended lately', async () => {
      const [a, b] = [await running(), await running()];
      await end(a.task.id, a.token, { kind: 'completed', result: 1 });
      expect(await under.store().tasks.endedWithin(60_000)).to.deep.equal([a.task.id]);
      await under.store().tasks.cancel(b.task.id, 'ann', 'user');
      await end(b.task.id, b.token, { kind: 'canceled', reason: 'user' });
      expect(await under.store().tasks.endedWithin(60_000)).to.have.members([a.task.id, b.task.id]);
    });
  });
}
