import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment } from '../support/deployment.js';
import { overlaps, overtakings, readSpans, type Asked } from '../support/evidence.js';
import { until } from '../support/wait.js';

describe('resource managers and beats', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  afterEach(() => deployment.destroy());

  it('go on by a hot spare, which logs a warning, with the order of every line kept', async () => {
    deployment = await Deployment.create();
    const { manager } = await deployment.startAll([['-n', 'w1', '-c', '4']]);
    const spare = deployment.start('resource-manager');
    await until('the spare stands by', () => spare.output.includes('Hot spare'));
    const file = join(deployment.directory, 'evidence');
    const asked: Asked[] = [];
    for (let index = 0; index < 60; index++) {
      const exclusive = [`r-${index % 5}`];
      asked.push({ label: `t${index}`, exclusive, shared: [] });
      await deployment.submit({ name: 'test.evidence', exclusive, kwargs: { file, label: `t${index}`, ms: 30 } });
      if (index === 20) await manager.kill('SIGKILL');
    }
    await until('all have run', () => readSpans(file).filter(span => span.ended).length === 60, { timeoutMs: 120_000 });
    expect(spare.output).to.contain('Failover occurred');
    expect(overlaps(readSpans(file), asked)).to.deep.equal([]);
    expect(overtakings(readSpans(file), asked)).to.deep.equal([]);
  });

  it('lose nothing while there is no resource manager at all, and say so', async () => {
    deployment = await Deployment.create();
    const { manager, beat } = await deployment.startAll();
    await manager.kill('SIGKILL');
    const file = join(deployment.directory, 'evidence');
    const task = await deployment.submit({ name: 'test.evidence', exclusive: ['r'], kwargs: { file, label: 'waits', ms: 1 } });
    await until('a beat complains', () => beat.output.includes('No resource-manager is running'), { timeoutMs: 60_000 });
    deployment.start('resource-manager');
    expect(await deployment.final(task.id)).to.include({ state: 'completed' });
  });

  it('create one task per slot of a schedule, with two beats and one of them killed', async () => {
    deployment = await Deployment.create();
    const { beat } = await deployment.startAll();
    deployment.start('beat');
    const file = join(deployment.directory, 'evidence');
    const created = await deployment.request<{ id: string }>('POST', '/api/v1/schedules', {
      name: 'every-second',
      interval: 1,
      task: { name: 'test.evidence', kwargs: { file, label: 'slot', ms: 1 } },
    });
    expect(created.status).to.equal(201);
    const slots = async (): Promise<Date[]> => {
      const tasks = await deployment.db
        .collection<{ schedule: { slot: Date } }>('tasks')
        .find({ 'schedule.id': created.body.id })
        .toArray();
      return tasks.map(task => task.schedule.slot);
    };
    await until('three slots have their task', async () => (await slots()).length >= 3);
    await beat.kill('SIGKILL');
    const before = (await slots()).length;
    await until('the other beat goes on', async () => (await slots()).length >= before + 3, { timeoutMs: 60_000 });
    const times = (await slots()).map(Number);
    expect(new Set(times).size, 'no slot twice').to.equal(times.length);
    for (const time of times) expect((time - times[0]!) % 1_000, 'all on the grid').to.equal(0);
  });

  it('run a delayed task when its time has come, behind those that were ready before', async () => {
    deployment = await Deployment.create();
    await deployment.startAll();
    const file = join(deployment.directory, 'evidence');
    const delayed = await deployment.submit({
      name: 'test.evidence',
      exclusive: ['r'],
      countdown: 2,
      kwargs: { file, label: 'delayed', ms: 1 },
    });
    expect(delayed.waitingFor).to.equal('delay');
    const holder = await deployment.submit({
      name: 'test.evidence',
      exclusive: ['r'],
      kwargs: { file, label: 'holder', ms: 4_000 },
    });
    const ready = await deployment.submit({ name: 'test.evidence', exclusive: ['r'], kwargs: { file, label: 'ready', ms: 1 } });
    for (const task of [holder, ready, delayed]) await deployment.final(task.id);
    expect(readSpans(file).map(span => span.label)).to.deep.equal(['holder', 'ready', 'delayed']);
  });
});
