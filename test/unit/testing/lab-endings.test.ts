import { expect } from 'chai';

import { step } from '../../../src/client/flow.js';
import { SoftTimeLimit } from '../../../src/tasks/context.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import type { TaskDefinition } from '../../../src/tasks/definition.js';
import { createLab, LabError } from '../../../src/testing/testing.js';
import { all, fails, rejection, sync, trace } from './support.js';

describe('What becomes of a task in a lab', () => {
  beforeEach(() => trace.splice(0));

  describe('and time limits', () => {
    const patient = defineTask({
      name: 'patient',
      async handler(input, ctx) {
        const bar = ctx.progress('steps', { total: 10 });
        for (let n = 0; n < Number(input.steps); n++) {
          try {
            await ctx.sleep(Number(input.each));
          } catch (error) {
            if (input.orderly === true && error instanceof SoftTimeLimit) return { done: n };
            throw error;
          }
          bar.increment();
          trace.push(`step ${n}`);
        }
        return { done: 'all' };
      },
    });
    const submitted = async (input: object, options: object) => {
      const lab = createLab({ tasks: [patient] });
      const { id } = await lab.submit(patient, { steps: 10, each: 60, ...input }, options);
      await lab.advance('1h');
      return lab.task(id);
    };

    it('ask a body to end, and take what it makes of that', async () => {
      expect(await submitted({ orderly: true }, { softTimeLimit: 150 })).to.deep.include({
        state: 'completed',
        result: { done: 2 },
      });
      const failed = await submitted({}, { softTimeLimit: 150 });
      expect(failed).to.include({ state: 'failed', reason: 'timeout', finishedAt: '2026-01-01T00:02:30.000Z' });
      expect(failed.error?.code).to.equal('SOFT_TIME_LIMIT');
      expect(failed.progress[0]).to.include({ done: 2, state: 'failed' });
    });

    it('end it for good, and nothing of it goes on', async () => {
      const killed = await submitted({}, { timeLimit: 90 });
      expect(killed).to.include({ state: 'failed', reason: 'timeout', finishedAt: '2026-01-01T00:01:30.000Z' });
      expect([killed.error?.code, trace]).to.deep.equal(['TIME_LIMIT', ['step 0']]);
      const stalled = await submitted({ each: 600 }, { stallAfter: 300 });
      expect([stalled.error?.code, stalled.finishedAt]).to.deep.equal(['STALLED', '2026-01-01T00:05:00.000Z']);
      const again = await submitted({}, { timeLimit: 90, maxAttempts: 2, retry: { delay: 1 } });
      expect(again.attempts.map(({ reason }) => reason)).to.deep.equal(['timeout', 'timeout']);
    });
  });

  it('cancels what waits at once, and what runs when its body heeds it, or after the graces', async () => {
    const stubborn = defineTask({
      name: 'stubborn',
      async handler(_input, ctx) {
        await ctx.sleep(3_600).catch(() => new Promise(() => undefined));
      },
    });
    const lab = createLab({ tasks: [sync, stubborn], patience: 0.01 });
    const [runs, waits] = [await lab.submit(sync, { repository: 'a' }), await lab.submit(sync, { repository: 'a' })];
    await lab.settle();
    expect((await lab.cancel(waits)).state).to.equal('canceled');
    expect((await lab.cancel(runs)).state).to.equal('canceling');
    const deaf = await lab.submit(stubborn, {});
    await lab.settle();
    expect(lab.task(runs)).to.include({ state: 'canceled', reason: 'user' });
    await lab.cancel(deaf);
    await lab.advance('6s');
    expect(lab.task(deaf).state).to.equal('canceling');
    await lab.advance('1s');
    expect(lab.task(deaf)).to.include({ state: 'canceled', reason: 'user' });
    expect(await rejection(lab.cancel(runs))).to.include({ code: 'TASK_FINAL' });
    expect(await rejection(lab.cancel('nobody'))).to.include({ code: 'MISSING_RESOURCE' });
  });

  it('loses a worker with what it runs, which runs again where its type allows', async () => {
    const lab = createLab(all);
    const [gone, again] = [
      await lab.submit(sync, { repository: 'a' }),
      await lab.submit(sync, { repository: 'b' }, { onWorkerLoss: 'requeue', maxAttempts: 2 }),
    ];
    await lab.settle();
    await lab.loseWorker();
    expect(lab.task(gone)).to.include({ state: 'canceled', reason: 'worker-lost' });
    expect(lab.task(again)).to.include({ state: 'running', attempt: 2 });
    await lab.loseWorker();
    expect(lab.task(again)).to.include({ state: 'failed' });
    expect(lab.task(again).error?.code).to.equal('POISONED');
    await lab.advance('2m');
    expect(trace.filter(line => line.startsWith('end'))).to.deep.equal([]);
  });

  it('waits in real time for what is real, and says so when that does not end', async () => {
    let resolve = (): void => undefined;
    const real = defineTask({ name: 'real', handler: () => new Promise<void>(done => (resolve = done)) });
    const lab = createLab({ tasks: [real], patience: '20ms' });
    const { id } = await lab.submit(real, {});
    const error = await rejection<LabError>(lab.settle());
    expect(error).to.be.instanceOf(LabError);
    expect(error.message).to.contain(id).and.contain('"real"').and.contain('ctx.sleep');
    expect(error.task?.state).to.equal('running');
    resolve();
    await lab.settle();
    expect(lab.task(id).state).to.equal('completed');
  });

  it('tells what became of a task that was expected to complete', async () => {
    const lab = createLab(all);
    const failed = await lab.submit(fails, {});
    const error = await rejection<LabError>(lab.result(failed));
    expect(error.message).to.equal(`Task ${failed.id} "fails" is failed: PLANNED: as planned. It was expected to be completed.`);
    expect((error.cause as Error).stack).to.contain('support.ts');
    await lab.submit(sync, { repository: 'a' });
    const waiting = await rejection<LabError>(lab.result(await lab.submit(sync, { repository: 'a' })));
    expect(waiting.message).to.contain('is waiting').and.contain('It waits for "repository:a" (exclusive)');
  });

  it('complains of a schedule that cannot make its task, and of tasks that start one another in a circle', async function () {
    this.timeout(60_000); // ten thousand rounds
    let broken = false;
    const fragile = defineTask({
      name: 'fragile',
      resources() {
        if (broken) throw new Error('broken');
        return {};
      },
      handler: () => null,
    });
    const lab = createLab({ tasks: [fragile] });
    await lab.schedule({ name: 'x', interval: 60, task: step(fragile, {}) });
    await lab.settle();
    broken = true;
    const circle: TaskDefinition = defineTask({ name: 'circle', handler: (_input, ctx) => ctx.spawn(circle, {}) });
    const round = createLab({ tasks: [circle] });
    await round.submit(circle, {});
    expect((await rejection(round.settle())).message).to.contain('in a circle');
    expect((await rejection(lab.advance('1m'))).message)
      .to.contain('Schedule "x" could not create its task')
      .and.contain('broken');
  });
});
