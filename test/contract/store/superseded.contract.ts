import { expect } from 'chai';
import { v4 } from 'uuid';
import type { Outcome } from '../../../src/core/outcome.js';
import type { Superseded, Task } from '../../../src/core/task.js';
import { acceptOne, NASTY, newTask, startAll, type StoreUnderTest } from './support.js';

type Late = Omit<Superseded, 'at'>;
const LATE: Late = { kind: 'completed', result: NASTY, resultBytes: 200 };
const FAILED: Late = { kind: 'failed', error: { code: '$code', message: '$$NOW' } };
const REQUEUED: Outcome = { kind: 'requeued', reason: 'worker-lost' };

export function supersededContract(under: StoreUnderTest): void {
  describe('outcomes that come too late', () => {
    beforeEach(() => under.clear());

    const end = (id: string, token: string, outcome: Outcome) => under.store().tasks.finish([{ id, token, outcome }]);
    const now = async (id: string): Promise<Task> => (await under.store().tasks.get(id))!;
    const started = async (): Promise<{ id: string; token: string }> => {
      const task = await acceptOne(under.store(), newTask({ maxAttempts: 3 }));
      return { id: task.id, token: await startAll(under.store(), [task]) };
    };

    for (const late of [LATE, FAILED, { kind: 'completed', result: null, resultBytes: 4 } satisfies Late]) {
      it(`stand beside their start and change nothing else (${JSON.stringify(late.result ?? late.kind)})`, async () => {
        const { id, token } = await started();
        await end(id, token, REQUEUED);
        const before = await now(id);
        expect(await under.store().tasks.supersede(id, token, late)).to.equal('kept');
        const after = await now(id);
        const { superseded } = after.attempts[0]!;
        const { at, ...told } = superseded!;
        expect(at).to.be.a('date');
        expect(JSON.stringify(told.result)).to.equal(JSON.stringify(late.result));
        expect({ ...told, result: 0 }).to.deep.equal({ ...late, result: 0 });
        expect(after).to.deep.equal({ ...before, attempts: [{ ...before.attempts[0], superseded }] });
      });
    }

    it('are told once: the first stays', async () => {
      const { id, token } = await started();
      await end(id, token, REQUEUED);
      expect(await under.store().tasks.supersede(id, token, LATE)).to.equal('kept');
      const first = await now(id);
      expect(await under.other().tasks.supersede(id, token, FAILED), 'repeated').to.equal('kept');
      expect(await now(id)).to.deep.equal(first);
    });

    it('are told by token among several starts, also after the end of the task', async () => {
      const { id, token } = await started();
      await end(id, token, REQUEUED);
      const second = await startAll(under.store(), [await now(id)]);
      await end(id, second, { kind: 'completed', result: 'second' });
      const before = await now(id);
      expect(await under.store().tasks.supersede(id, token, { kind: 'completed', result: 'first', resultBytes: 7 })).to.equal(
        'kept',
      );
      const after = await now(id);
      expect(after).to.include({ state: 'completed', result: 'second' });
      expect(after.attempts.map(attempt => attempt.superseded?.result)).to.deep.equal(['first', undefined]);
      expect(after.finishedAt).to.deep.equal(before.finishedAt);
    });

    it('wait as long as their start is open', async () => {
      const { id, token } = await started();
      const before = await now(id);
      expect(await under.store().tasks.supersede(id, token, LATE)).to.equal('open');
      expect(await now(id)).to.deep.equal(before);
    });

    const own: Outcome[] = [
      { kind: 'completed', result: 1 },
      { kind: 'failed', error: { code: 'X', message: 'm' } },
      { kind: 'failed', error: { code: 'TIME_LIMIT', message: 'm' }, reason: 'timeout' },
      { kind: 'skipped', error: { code: 'SKIPPED', message: 'm' } },
      { kind: 'retried', error: { code: 'X', message: 'm' }, delayMs: 0, hold: false },
    ];
    for (const outcome of own) {
      it(`are none where the start ended by itself after all (${outcome.kind})`, async () => {
        const { id, token } = await started();
        await end(id, token, outcome);
        const before = await now(id);
        expect(await under.store().tasks.supersede(id, token, LATE)).to.equal('void');
        expect(await now(id)).to.deep.equal(before);
      });
    }

    it('are none where there is no such start, or no such task', async () => {
      const { id, token } = await started();
      await under.store().tasks.giveBack(id, token);
      const before = await now(id);
      expect(await under.store().tasks.supersede(id, token, LATE)).to.equal('void');
      expect(await under.store().tasks.supersede(v4(), token, LATE)).to.equal('void');
      expect(await now(id)).to.deep.equal(before);
    });
  });
}
