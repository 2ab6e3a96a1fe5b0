import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, TEST_TASKS, type Role, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { until } from '../support/wait.js';

const YEAR = 365 * 86_400;

describe('what waits for its time', function () {
  this.timeout(240_000);
  let deployment: Deployment;
  let beat: Role;

  before(async () => {
    const taskModules = ['evidence.ts', 'basic.ts'].map(file => join(TEST_TASKS, file));
    deployment = await Deployment.create({ taskModules });
    ({ beat } = await deployment.startCore());
  });
  afterEach(() => deployment.stopWorkers());
  after(() => deployment.destroy());

  const file = (): string => join(deployment.directory, 'evidence');
  const submit = (label: string, ms: number, more: Record<string, unknown> = {}): Promise<TaskView> =>
    deployment.submit({ name: 'test.evidence', kwargs: { file: file(), label, ms }, ...more });
  const began = (label: string): boolean => readSpans(file()).some(span => span.label === label);
  /** Messages that no worker has taken. */
  const messages = async (): Promise<number | null | undefined> => {
    const { body } = await deployment.request<{ items: { name: string; messages: number | null }[] }>('GET', '/api/v1/queues');
    return body.items.find(({ name }) => name === 'default')?.messages;
  };

  it('holds no message, no slot and no place in a line, for years', async () => {
    const in9Years = { countdown: 9 * YEAR };
    const far = await Promise.all([
      ...Array.from({ length: 20 }, (_, n) => submit(`far ${n}`, 0, in9Years)),
      ...Array.from({ length: 5 }, (_, n) => submit(`far in r ${n}`, 0, { ...in9Years, exclusive: ['r'] })),
      submit('far with a rate', 0, { ...in9Years, rateLimit: '1/d', rateKey: 'k' }),
      submit('far at a time', 0, { eta: new Date(Date.now() + 9 * YEAR * 1_000).toISOString() }),
    ]);
    expect(new Set(far.map(({ waitingFor }) => waitingFor))).to.deep.equal(new Set(['delay']));
    // A task that is ready has a message: the broker is there, and delayed ones would have theirs by now.
    const ready = await submit('ready', 0);
    await until('its message', async () => ((await messages()) ?? 0) > 0);
    expect(await messages()).to.equal(1);
    const line = await deployment.request<{ holders: unknown[]; waiting: unknown[] }>('GET', '/api/v1/resources/r');
    expect(line.body).to.deep.include({ holders: [], waiting: [] });
    deployment.start('worker', ['-n', 'w1', '-c', '1']);
    await deployment.healthy();
    const now = await submit('now', 0, { exclusive: ['r'], rateLimit: '1/d', rateKey: 'k' });
    for (const { id } of [ready, now]) expect(await deployment.final(id)).to.include({ state: 'completed' });
    const states = await Promise.all(far.map(async ({ id }) => (await deployment.task(id)).waitingFor));
    expect(new Set(states)).to.deep.equal(new Set(['delay']));
    expect(readSpans(file()).map(({ label }) => label)).to.have.members(['ready', 'now']);
    const refused = await deployment.request('POST', '/api/v1/tasks', {
      ...{ name: 'test.evidence', kwargs: { file: file(), label: 'too far', ms: 0 }, countdown: 11 * YEAR },
    });
    expect(refused.status).to.equal(400);
  });

  it('is canceled when it expires in line, before its worker comes, and before another try; what runs is not touched', async () => {
    deployment.start('worker', ['-n', 'w1', '-c', '4']);
    await deployment.healthy();
    const runs = await submit('runs', 7_000, { exclusive: ['r'], expires: 5 });
    await until('the holder runs', () => began('runs'));
    const inLine = await submit('in line', 0, { exclusive: ['r'], expires: 1 });
    const behind = await submit('behind', 0, { exclusive: ['r'] });
    const nobodys = await submit('nobody’s', 0, { queue: 'nobody', expires: 1 });
    const failing = await deployment.submit({
      ...{ name: 'basic.fail', args: ['as asked for'], maxAttempts: 3, retry: { delay: 600 }, expires: 5 },
    });
    for (const { id } of [inLine, nobodys]) {
      const task = await deployment.final(id);
      expect(task).to.deep.include({ state: 'canceled', reason: 'expired', attempt: 0, waitingFor: null, dueAt: null });
    }
    const retried = await deployment.final(failing.id);
    expect(retried).to.deep.include({ state: 'canceled', reason: 'expired', attempt: 1, dueAt: null });
    expect(await deployment.final(runs.id)).to.include({ state: 'completed' });
    expect(await deployment.final(behind.id)).to.include({ state: 'completed' });
    expect(began('in line') || began('nobody’s')).to.equal(false);
  });

  it('is canceled when it expires while it is delayed and nobody lives to make it ready', async () => {
    deployment.start('worker', ['-n', 'w1', '-c', '1']);
    await deployment.healthy();
    await beat.kill('SIGKILL');
    const late = await submit('late', 0, { countdown: 1, expires: 2 });
    const expiresAt = Date.parse(late.expiresAt ?? '');
    await until('its expiry', async () => {
      const { localTime } = await deployment.db.admin().command({ hello: 1 });
      return (localTime as Date).getTime() > expiresAt;
    });
    expect(await deployment.task(late.id)).to.include({ state: 'waiting', waitingFor: 'delay' });
    deployment.start('beat');
    expect(await deployment.final(late.id)).to.include({ state: 'canceled', reason: 'expired', attempt: 0 });
    expect(began('late')).to.equal(false);
  });
});
