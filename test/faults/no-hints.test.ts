import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, type TaskView } from '../support/deployment.js';
import { overlaps, readSpans, type Asked } from '../support/evidence.js';
import { until } from '../support/wait.js';

describe('a deployment in which every message is lost', function () {
  this.timeout(300_000);
  let deployment: Deployment;
  // Each role talks to exchanges that nobody else listens to: every hint and every broadcast is dropped.
  const deaf = (role: string): Record<string, string> => ({
    INTERLOCK_AMQP_PREFIX: `${deployment.env.INTERLOCK_AMQP_PREFIX ?? ''}${role}.`,
  });

  before(async () => {
    deployment = await Deployment.create();
    deployment.start('api', [], deaf('api'));
    deployment.start('resource-manager', [], deaf('rm'));
    deployment.start('beat', [], deaf('beat'));
    deployment.start('worker', ['-n', 'w2', '-c', '3'], deaf('w2'));
    await deployment.healthy();
  });
  after(() => deployment.destroy());

  it('still ends every task within 3 minutes: plain, conflicting, delayed, cancelled, and those of a killed worker', async () => {
    const doomed = deployment.start('worker', ['-n', 'w1', '-c', '2'], deaf('w1'));
    const file = join(deployment.directory, 'evidence');
    const asked: Asked[] = [];
    const submitted: TaskView[] = [];
    const submit = async (
      label: string,
      exclusive: string[],
      ms: number,
      more: Record<string, unknown> = {},
    ): Promise<TaskView> => {
      asked.push({ label, exclusive, shared: [] });
      const task = await deployment.submit({ name: 'test.evidence', exclusive, kwargs: { file, label, ms }, ...more });
      submitted.push(task);
      return task;
    };
    for (let i = 0; i < 40; i++) await submit(`plain-${i}`, [], 20);
    for (let i = 0; i < 40; i++) await submit(`conflicting-${i}`, [`r-${i % 8}`], 20);
    for (let i = 0; i < 10; i++) await submit(`delayed-${i}`, i % 2 === 0 ? [] : ['r-0'], 20, { countdown: 1 + i / 2 });
    const cancelled: TaskView[] = [];
    for (let i = 0; i < 8; i++) cancelled.push(await submit(`cancelled-${i}`, ['r-cancel'], 600_000));
    for (let i = 0; i < 4; i++) await submit(`long-${i}`, [`r-${i}`], 10_000, { name: 'test.again' });

    await until('the first that will be cancelled runs', () => readSpans(file).some(span => span.label === 'cancelled-0'), {
      timeoutMs: 120_000,
    });
    for (const task of cancelled)
      expect((await deployment.request('POST', `/api/v1/tasks/${task.id}/cancel`, {})).status).to.equal(202);
    await until(
      'the doomed worker runs something long',
      async () => deployment.db.collection('tasks').countDocuments({ 'run.worker': 'w1' }),
      { timeoutMs: 120_000 },
    );
    await doomed.kill('SIGKILL');

    await until(
      'all are final',
      async () =>
        (await deployment.db.collection('tasks').countDocuments({
          state: { $nin: ['completed', 'failed', 'canceled'] },
          void: { $exists: false },
          name: { $exists: true },
        })) === 0,
      {
        timeoutMs: 180_000,
        everyMs: 500,
      },
    );
    for (const task of cancelled) expect(await deployment.task(task.id)).to.include({ state: 'canceled', reason: 'user' });
    expect(overlaps(readSpans(file), asked)).to.deep.equal([]);
    for (const task of submitted) expect(['completed', 'canceled']).to.include((await deployment.task(task.id)).state);
  });
});
