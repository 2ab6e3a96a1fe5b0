import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, type TaskView } from '../support/deployment.js';
import { until } from '../support/wait.js';

describe('workers with a name that means something', function () {
  this.timeout(120_000);
  let deployment: Deployment;
  beforeEach(async () => {
    deployment = await Deployment.create();
  });
  afterEach(() => deployment.destroy());

  const submit = (label: string, ms: number): Promise<TaskView> =>
    deployment.submit({
      name: 'test.evidence',
      exclusive: [label],
      kwargs: { file: join(deployment.directory, 'evidence'), label, ms },
    });

  it('take what is bound to them, and what was bound to one that died goes to another', async () => {
    const { workers } = await deployment.startAll([['-n', 'reserved-resource-worker-1@%h', '-c', '1']]);
    const first = await submit('first', 50);
    const ended = await deployment.final(first.id);
    expect(ended.state).to.equal('completed');
    expect(ended.worker).to.match(/^reserved-resource-worker-1@[^%]+$/);

    const running = await submit('running', 600_000);
    await until('it runs', async () => (await deployment.task(running.id)).state === 'running');
    const bound = await submit('bound', 50);
    await until('it is bound', async () => (await deployment.task(bound.id)).waitingFor === 'worker');
    await workers[0]!.kill('SIGKILL');
    deployment.start('worker', ['-n', 'reserved-resource-worker-2', '-c', '1']);
    expect(await deployment.final(running.id)).to.include({ state: 'canceled', reason: 'worker-lost' });
    expect(await deployment.final(bound.id)).to.include({ state: 'completed', worker: 'reserved-resource-worker-2' });
  });

  it('take what was granted while nobody lived', async () => {
    for (const role of ['api', 'resource-manager']) deployment.start(role);
    await until('the API answers', async () => (await deployment.request('GET', '/api/v1/status')).status === 200);
    const early = await submit('early', 50);
    await until('it is granted', async () => (await deployment.task(early.id)).waitingFor === 'worker');
    deployment.start('worker', ['-n', 'reserved-resource-worker-1', '-c', '1']);
    expect(await deployment.final(early.id)).to.include({ state: 'completed', worker: 'reserved-resource-worker-1' });
  });

  it('are resource managers when they are called so', async () => {
    for (const role of ['api', 'beat']) deployment.start(role);
    deployment.start('worker', ['-n', 'resource-manager-a']);
    deployment.start('worker', ['-n', 'w1', '-c', '1']);
    await deployment.healthy();
    const lease = await deployment.db.collection<{ _id: string }>('leases').findOne({ _id: 'resource-manager' });
    expect(lease).to.include({ holder: 'resource-manager-a' });
  });
});
