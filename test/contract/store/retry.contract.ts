import { expect } from 'chai';
import type { Outcome } from '../../../src/core/outcome.js';
import type { Task } from '../../../src/core/task.js';
import { acceptOne, granted, lead, newTask, reserving, startAll, type StoreUnderTest } from './support.js';

type Retried = Extract<Outcome, { kind: 'retried' }>;

const ERROR = { code: 'FLAKY', message: 'as planned', traceback: 'at …' };
const KEPT = { code: 'FLAKY', message: 'as planned' };

export function retryContract(under: StoreUnderTest): void {
  describe('a start that failed and is tried again', () => {
    beforeEach(() => under.clear());

    async function failed(task: Task, outcome: Partial<Retried> = {}): Promise<Task> {
      const token = await startAll(under.store(), [task]);
      const ending = {
        id: task.id,
        token,
        outcome: { kind: 'retried', error: ERROR, delayMs: 0, hold: false, ...outcome } as const,
      };
      expect([...(await under.store().tasks.finish([ending]))]).to.deep.equal([task.id]);
      expect([...(await under.other().tasks.finish([ending]))], 'and once more').to.deep.equal([task.id]);
      return (await under.store().tasks.get(task.id))!;
    }

    async function held(): Promise<Task> {
      const store = under.store();
      const [task] = await granted(store, await lead(store), reserving(['r'], [], { maxAttempts: 3 }));
      return task!;
    }

    it('waits for its delay, with the start and its error in the ledger', async () => {
      const accepted = await acceptOne(under.store(), newTask({ maxAttempts: 3 }));
      const exit = { code: 3, signal: null };
      const task = await failed(accepted, { delayMs: 60_000, exit });
      expect(task).to.include({ state: 'waiting', waitingFor: 'retry', attempt: 1 });
      for (const gone of ['run', 'error', 'readyAt', 'startedAt', 'finishedAt', 'reason', 'grant'])
        expect(task).not.to.have.property(gone);
      const [start] = task.attempts;
      expect(start).to.deep.include({ n: 1, reason: 'failed', error: KEPT, exit });
      expect(task.dueAt!.getTime() - start!.finishedAt.getTime()).to.equal(60_000);
      expect(await under.store().tasks.due(10)).to.deep.equal([]);
      expect(await under.store().tasks.claimable({ queues: ['default'], limit: 5 })).to.deep.equal([]);
    });

    it('says that a limit was the reason', async () => {
      const task = await failed(await acceptOne(under.store(), newTask({ maxAttempts: 3 })), { reason: 'timeout' });
      expect(task.attempts[0]!.reason).to.equal('timeout');
    });

    it('gives its resources back, and comes behind those that were ready before', async () => {
      const { tasks } = under.store();
      const first = await held();
      const task = await failed(first);
      expect(task).not.to.have.property('grant');
      expect(task.attempts[0]!.grant).to.deep.equal({ fence: first.grant!.fence, epoch: first.grant!.epoch });
      expect(await tasks.holders(0, 10)).to.deep.equal([]);
      const next = await acceptOne(under.store(), reserving(['r']));
      const due = await tasks.due(10);
      expect(due).to.deep.equal([{ id: task.id, waitingFor: 'retry', holds: false }]);
      expect(await tasks.resume(due), 'it holds nothing').to.deep.equal([]);
      const [ready] = await tasks.promote(due, await tasks.takeNumbers(1));
      expect(ready).to.include({ waitingFor: 'resources', attempt: 1 });
      expect(ready!.seq).to.be.greaterThan(next.seq);
    });

    it('keeps its resources and its place where it holds', async () => {
      const { tasks } = under.store();
      const first = await held();
      const task = await failed(first, { hold: true });
      expect(task.grant).to.deep.equal(first.grant);
      expect((await tasks.holders(0, 10)).map(({ id }) => id)).to.deep.equal([task.id]);
      const due = await tasks.due(10);
      expect(due).to.deep.equal([{ id: task.id, waitingFor: 'retry', holds: true }]);
      expect(await tasks.promote(due, await tasks.takeNumbers(1)), 'it needs no number').to.deep.equal([]);
      const [ready] = await tasks.resume(due);
      expect(ready).to.deep.include({ waitingFor: 'worker', seq: first.seq, grant: first.grant });
      expect(ready).not.to.have.property('dueAt');
      expect(
        (await under.other().tasks.resume(due)).map(({ id }) => id),
        'and once more',
      ).to.deep.equal([task.id]);
      await startAll(under.store(), [ready!]);
      expect(await tasks.get(task.id)).to.include({ state: 'running', attempt: 2 });
    });

    it('is not resumed before its time, nor when it was cancelled', async () => {
      const { tasks } = under.store();
      const task = await failed(await held(), { hold: true, delayMs: 60_000 });
      const asked = [{ id: task.id, waitingFor: 'retry' as const, holds: true }];
      expect(await tasks.resume(asked)).to.deep.equal([]);
      expect((await tasks.cancel(task.id, 'ann', 'user')).kind).to.equal('canceled');
      expect(await tasks.holders(0, 10)).to.deep.equal([]);
      expect(await tasks.resume(asked)).to.deep.equal([]);
    });

    it('ends as canceled where somebody had cancelled it', async () => {
      const { tasks } = under.store();
      const task = await held();
      const token = await startAll(under.store(), [task]);
      await tasks.cancel(task.id, 'ann', 'user');
      const outcome = { kind: 'retried', error: ERROR, delayMs: 0, hold: true } as const;
      expect((await tasks.finish([{ id: task.id, token, outcome }])).size).to.equal(1);
      const ended = (await tasks.get(task.id))!;
      expect(ended).to.include({ state: 'canceled', reason: 'user' });
      expect(ended).not.to.have.property('grant');
    });
  });

  describe('a body that found nothing to do', () => {
    it('ends as skipped, and says why', async () => {
      const task = await acceptOne(under.store(), newTask());
      const token = await startAll(under.store(), [task]);
      const outcome = { kind: 'skipped', error: { code: 'SKIPPED', message: 'up to date' } } as const;
      await under.store().tasks.finish([{ id: task.id, token, outcome }]);
      const ended = (await under.store().tasks.get(task.id))!;
      expect(ended).to.deep.include({ state: 'skipped', error: outcome.error });
      expect(ended.attempts[0]).to.include({ n: 1, reason: 'skipped' });
    });
  });

  describe('priority', () => {
    beforeEach(() => under.clear());

    it('overtakes, but not what has waited for much longer', async () => {
      const store = under.store();
      const low = await acceptOne(store, newTask({ priority: 0 }));
      const usual = await acceptOne(store, newTask());
      const high = await acceptOne(store, newTask({ priority: 9 }));
      const best = (await store.tasks.claimable({ queues: ['default'], limit: 5 })).map(({ id }) => id);
      expect(best).to.deep.equal([high.id, usual.id, low.id]);
    });
  });
}
