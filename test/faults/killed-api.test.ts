import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, type Role, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/wait.js';

describe('an API that is killed with a request in its hands', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  let toApi: TcpProxy;
  let toBroker: TcpProxy;

  beforeEach(async () => {
    deployment = await Deployment.create();
    toApi = await TcpProxy.before(deployment.url, 80);
    toBroker = await TcpProxy.before(deployment.env.INTERLOCK_AMQP_URL!, 5_672);
    for (const role of ['resource-manager', 'beat']) deployment.start(role);
    deployment.start('worker', ['-n', 'w1', '-c', '2']);
  });
  afterEach(async () => {
    await toApi.close();
    await toBroker.close();
    await deployment.destroy();
  });

  const file = (): string => join(deployment.directory, 'evidence');
  const startApi = (): Role =>
    deployment.start('api', [], { INTERLOCK_AMQP_URL: toBroker.url(deployment.env.INTERLOCK_AMQP_URL!) });
  const starts = (label: string): number => readSpans(file()).filter(span => span.label === label).length;
  const labelled = (label: string) => deployment.db.collection<{ _id: string }>('tasks').find({ tags: label }).toArray();

  /** By way of the proxy, whose answers may never come. */
  async function post(label: string, headers: Record<string, string> = {}): Promise<{ status: number; body: TaskView }> {
    const answer = await fetch(`http://127.0.0.1:${toApi.port}/api/v1/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ name: 'test.evidence', exclusive: ['r'], tags: [label], kwargs: { file: file(), label, ms: 50 } }),
      signal: AbortSignal.timeout(30_000),
    });
    return { status: answer.status, body: (await answer.json()) as TaskView };
  }

  it('has its task run that was stored, though nobody was ever told of it', async () => {
    const api = startApi();
    await deployment.healthy();
    toBroker.set('blackhole-up'); // what it publishes is never sent
    toApi.set('blackhole-down');
    const asked = post('untold').catch((error: unknown) => error);
    const stored = await until('the task is stored', async () => (await labelled('untold'))[0]);
    await api.kill('SIGKILL');
    toApi.set('reset');
    expect(await asked, 'the client knows nothing').to.be.instanceOf(Error);
    await until('its body has run', () => readSpans(file()).some(span => span.label === 'untold' && span.ended), {
      timeoutMs: 60_000,
    });
    toBroker.set('pass');
    startApi();
    expect(await deployment.final(stored._id)).to.include({ state: 'completed', attempt: 1 });
    expect(starts('untold')).to.equal(1);
  });

  it('gives the same task to the client that asks again under its key, which runs once', async () => {
    const api = startApi();
    await deployment.healthy();
    const key = { 'idempotency-key': 'the-only-one' };
    toApi.set('blackhole-down'); // the answer gets no further than here
    const asked = post('again', key).catch((error: unknown) => error);
    const stored = await until('the task is stored', async () => (await labelled('again'))[0]);
    await api.kill('SIGKILL');
    toApi.set('reset');
    expect(await asked, 'the client knows nothing').to.be.instanceOf(Error);

    toApi.set('pass');
    startApi();
    const answer = await until('an API answers again', () => post('again', key), { timeoutMs: 60_000 });
    expect(answer.status).to.be.oneOf([200, 202]);
    expect(answer.body.id).to.equal(stored._id);
    expect(await deployment.final(stored._id)).to.include({ state: 'completed', attempt: 1 });
    expect(await labelled('again')).to.have.length(1);
    expect(starts('again')).to.equal(1);
  });
});
