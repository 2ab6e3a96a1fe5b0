import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/wait.js';

/** A body that comes to its end while its supervisor cannot say so, and whose task another worker runs again meanwhile. */
describe('the outcome of a start that was given to another worker', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  let cleanUp: (() => unknown)[] = [];
  beforeEach(async () => {
    deployment = await Deployment.create();
  });
  afterEach(async () => {
    for (const each of cleanUp.reverse()) await each();
    cleanUp = [];
    await deployment.destroy();
  });

  const file = (): string => join(deployment.directory, 'evidence');
  const span = (attempt: number) => readSpans(file()).find(each => each.attempt === attempt);

  async function submit(): Promise<TaskView> {
    const kwargs = { file: file(), label: 'late', ms: 1_500 };
    const task = await deployment.submit({ name: 'test.again', exclusive: ['repo'], queue: 'first', kwargs });
    await until('its first start has begun', () => span(1));
    return task;
  }

  async function expectSuperseded(id: string): Promise<void> {
    const superseded = await until('the late outcome is told', async () => (await deployment.task(id)).attempts[0]?.superseded, {
      timeoutMs: 60_000,
    });
    expect(superseded).to.deep.include({ kind: 'completed', result: null, resultBytes: 4, error: null });
    const task = await deployment.task(id);
    expect(task).to.include({ state: 'completed', attempt: 2, worker: 'w2' });
    expect(task.attempts.map(({ worker, reason }) => [worker, reason])).to.deep.equal([
      ['w1', 'worker-lost'],
      ['w2', 'completed'],
    ]);
    expect(task.attempts[1]!.superseded).to.equal(null);
    expect(Date.parse(superseded.at)).to.be.greaterThan(Date.parse(task.attempts[0]!.finishedAt));
  }

  /** Ready to take it over: not before, or it would be this one that starts it first. */
  const another = () => deployment.start('worker', ['-n', 'w2', '-c', '1', '-Q', 'first']);

  it('is told beside that start when its supervisor wakes up after a freeze', async () => {
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '1', '-Q', 'default,first']]);
    const { id } = await submit();
    const { pid } = workers[0]!;
    cleanUp.push(() => workers[0]!.running && process.kill(pid, 'SIGCONT'));
    process.kill(pid, 'SIGSTOP');
    await until('its body has ended', () => span(1)?.ended);
    another();
    expect(await deployment.final(id)).to.include({ state: 'completed', worker: 'w2' });
    process.kill(pid, 'SIGCONT');
    await expectSuperseded(id);
  });

  it('is told beside that start when the database can be reached again, after the worker had fenced itself', async () => {
    const proxy = await TcpProxy.before(deployment.env.INTERLOCK_MONGO_URL!, 27_017, { disguised: true });
    cleanUp.push(() => proxy.close());
    for (const role of ['api', 'resource-manager', 'beat']) deployment.start(role);
    const worker = deployment.start('worker', ['-n', 'w1', '-c', '1', '-Q', 'default,first'], {
      INTERLOCK_MONGO_URL: proxy.url(deployment.env.INTERLOCK_MONGO_URL!),
    });
    await deployment.healthy();
    const { id } = await submit();
    proxy.set('reset');
    cleanUp.push(() => proxy.set('pass'));
    await until('its body has ended', () => span(1)?.ended);
    another();
    await until('the worker fences itself', () => worker.output.includes('Self-fence'), { timeoutMs: 60_000 });
    expect(await deployment.final(id)).to.include({ state: 'completed', worker: 'w2' });
    proxy.set('pass');
    await expectSuperseded(id);
    const next = await deployment.submit({ name: 'test.evidence', kwargs: { file: file(), label: 'next', ms: 1 } });
    expect(await deployment.final(next.id)).to.include({ state: 'completed', worker: 'w1' });
  });
});
