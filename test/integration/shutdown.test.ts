import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { until } from '../support/wait.js';

describe('a worker that is asked to stop', function () {
  this.timeout(120_000);
  let deployment: Deployment;
  before(async () => {
    deployment = await Deployment.create();
  });
  after(() => deployment.destroy());

  const file = (): string => join(deployment.directory, 'evidence');
  const submit = (label: string, ms: number, name = 'test.evidence'): Promise<TaskView> =>
    deployment.submit({ name, exclusive: [label], kwargs: { file: file(), label, ms } });
  const running = (label: string, attempt = 1): Promise<unknown> =>
    until(`${label}/${attempt} runs`, () => readSpans(file()).some(span => span.label === label && span.attempt === attempt));

  it('lets short tasks end, cuts off long ones with a reason, and leaves those that may run again to others', async () => {
    for (const role of ['api', 'resource-manager', 'beat']) deployment.start(role);
    const stopping = deployment.start('worker', ['-n', 'w1', '-c', '3'], { INTERLOCK_WORKER_SHUTDOWN_GRACE_MS: '3000' });
    await deployment.healthy();
    const [short, long, again] = [
      await submit('short', 1_500),
      await submit('long', 600_000),
      await submit('again', 6_000, 'test.again'),
    ];
    for (const label of ['short', 'long', 'again']) await running(label);
    deployment.start('worker', ['-n', 'w2', '-c', '3']);
    await stopping.kill('SIGTERM');

    expect((await stopping.exited).code).to.equal(0);
    expect(await deployment.task(short.id)).to.include({ state: 'completed', worker: 'w1' });
    expect(await deployment.task(long.id)).to.include({ state: 'canceled', reason: 'worker-shutdown' });
    expect(await deployment.final(again.id)).to.include({ state: 'completed', attempt: 2, worker: 'w2' });
    const record = await deployment.db.collection<{ _id: string }>('processes').findOne({ _id: 'w1' });
    expect(record).to.include({ state: 'stopped' });
  });
});
