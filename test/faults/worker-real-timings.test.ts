import { expect } from 'chai';

import { WorkerScene } from '../support/worker-scene.js';

describe('a worker that is killed during its task, in real time', function () {
  this.timeout(180_000);
  const scene = new WorkerScene(1);

  it('ends it at once when it comes back under the same name, at the real timings', async () => {
    const first = await scene.ready('w1');
    const lost = await scene.evidence('lost', 600_000, { stubborn: true });
    await scene.begun('lost');
    const next = await scene.evidence('next', 100);
    await first.kill('SIGKILL');
    scene.start('w1');
    expect(await scene.deployment.final(lost.id)).to.include({ state: 'canceled', reason: 'worker-lost' });
    expect(await scene.deployment.final(next.id)).to.include({ state: 'completed' });
    scene.expectNoOverlap(['lost', 'next']);
    const missing = await scene.deployment.db.collection('processes').countDocuments({ role: 'worker', state: 'missing' });
    expect(missing, 'nobody had to wait for a sweep').to.equal(0);
  });

  it('is done with within 30 s at the real timings', async () => {
    const first = await scene.ready('w1');
    const lost = await scene.evidence('lost', 600_000);
    await scene.begun('lost');
    scene.start('w2');
    const killedAt = Date.now();
    await first.kill('SIGKILL');
    const ended = await scene.deployment.final(lost.id, 90_000);
    expect(ended).to.include({ state: 'canceled', reason: 'worker-lost' });
    const record = await scene.deployment.db.collection<{ _id: string; finishedAt: Date }>('tasks').findOne({ _id: lost.id });
    // Promise P5, not a measure of speed: TTL 25 s + sweep 5 s. Server and test share this machine's clock.
    expect(record!.finishedAt.getTime() - killedAt).to.be.lessThan(30_000);
  });
});
