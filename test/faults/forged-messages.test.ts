import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { RawAmqp } from '../support/amqp.js';
import { Deployment, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { until } from '../support/wait.js';

/** Whoever can publish can say anything; what is done is decided by the record. */
describe('messages that somebody publishes by hand', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  let raw: RawAmqp;

  before(async () => {
    deployment = await Deployment.create();
    raw = await RawAmqp.connect(deployment.env.INTERLOCK_AMQP_URL);
    await deployment.startAll([['-n', 'w1', '-c', '2']]);
  });
  after(async () => {
    await raw.close();
    await deployment.destroy();
  });

  const file = (): string => join(deployment.directory, 'evidence');
  const submit = (label: string, more: Record<string, unknown> = {}, ms = 50): Promise<TaskView> =>
    deployment.submit({ name: 'test.evidence', kwargs: { file: file(), label, ms }, ...more });
  const queue = (name: string): string => `${deployment.env.INTERLOCK_AMQP_PREFIX ?? ''}${name}`;
  const record = (id: string) => deployment.db.collection<{ _id: string }>('tasks').findOne({ _id: id });
  const begun = (label: string): Promise<unknown> =>
    until(`${label} has begun`, () => readSpans(file()).some(span => span.label === label));

  async function publish(to: string, ...messages: object[]): Promise<void> {
    await raw.on(channel => {
      for (const message of messages)
        channel.sendToQueue(queue(to), Buffer.from(JSON.stringify({ v: 1, ...message })), { contentType: 'application/json' });
      return channel.checkQueue(queue(to)); // so that they have arrived
    });
  }

  it('start nothing: not what waits for a resource or its time, nor what is cancelled, has ended, or never was', async () => {
    const holder = await submit('holder', { exclusive: ['r'] }, 600_000);
    await begun('holder');
    const blocked = await submit('blocked', { exclusive: ['r'] });
    const delayed = await submit('delayed', { countdown: 3_600 });
    const canceled = await submit('canceled', { countdown: 3_600 });
    expect((await deployment.request('POST', `/api/v1/tasks/${canceled.id}/cancel`, {})).status).to.equal(202);
    const ended = await submit('ended');
    await deployment.final(ended.id);
    const targets = [holder, blocked, delayed, canceled, ended];
    const before = await Promise.all(targets.map(({ id }) => record(id)));

    const ids = [...targets.map(({ id }) => id), randomUUID()];
    const starts = ids.flatMap(task => [
      { kind: 'start', task },
      { kind: 'start', task, attempt: 7, grant: { fence: 1_000_000, worker: 'w1' }, worker: 'somebody' },
    ]);
    for (const to of ['work.default', 'worker.w1']) await publish(to, ...starts, ...starts);
    await publish('resource-manager', { kind: 'changed', tasks: ids }, { kind: 'changed', tasks: [randomUUID()] });
    const after = await submit('after', { exclusive: ['another'] });
    expect(await deployment.final(after.id), 'those behind them are served').to.include({ state: 'completed' });
    await until('all are used up', async () => {
      const depths = await Promise.all(['work.default', 'worker.w1', 'resource-manager'].map(each => raw.depth(queue(each))));
      return depths.every(depth => depth?.messages === 0);
    });

    expect(await Promise.all(targets.map(({ id }) => record(id)))).to.deep.equal(before);
    expect(readSpans(file()).map(span => span.label)).to.deep.equal(['holder', 'ended', 'after']);
    await deployment.request('POST', `/api/v1/tasks/${holder.id}/cancel`, {});
    expect(await deployment.final(blocked.id)).to.include({ state: 'completed', attempt: 1 });
  });

  it('of a newer version are put aside and counted, and their task runs all the same', async () => {
    const dead = queue('interlock.dead');
    const before = (await raw.depth(dead))?.messages ?? 0;
    const task = await submit('newer', { countdown: 2 });
    await publish('work.default', { v: 2, kind: 'start', task: task.id });
    await until('it is among the dead letters', async () => ((await raw.depth(dead))?.messages ?? 0) === before + 1);
    expect(await deployment.final(task.id)).to.include({ state: 'completed', attempt: 1 });
  });

  it('leave alone what a newer version wrote into a record beside what we know', async () => {
    const task = await submit('unknown', { countdown: 2 });
    const newer = { of: 'a newer version', list: [1, { two: 2 }] };
    await deployment.db.collection<{ _id: string }>('tasks').updateOne({ _id: task.id }, { $set: { fromTheFuture: newer } });
    expect(await deployment.final(task.id)).to.include({ state: 'completed' });
    expect(await record(task.id)).to.deep.include({ fromTheFuture: newer });
  });
});
