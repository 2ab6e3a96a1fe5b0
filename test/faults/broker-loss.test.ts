import { expect } from 'chai';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { provideServers, type ProvidedServers } from '../../src/servers/servers.js';
import { Deployment, TEST_TASKS, type TaskView } from '../support/deployment.js';
import { overlaps, overtakings, readSpans, type Asked } from '../support/evidence.js';
import { testServers } from '../support/servers.js';
import { until } from '../support/wait.js';

const PLAIN = 700;
const RESERVED = 300;
const RESOURCES = 60;
const SLOTS = 4;

describe('a broker that loses all it had while 1,000 tasks wait', function () {
  this.timeout(300_000);
  let servers: ProvidedServers;
  let deployment: Deployment;

  before(async () => {
    const directory = fileURLToPath(new URL('../../.interlock', import.meta.url));
    servers = await provideServers({ directory, need: { mongo: false, amqp: true } });
    deployment = await Deployment.create({
      timingScale: 0.5, // no worker may be lost only because the machine is busy
      servers: { mongoUrl: testServers().mongoUrl, amqpUrl: servers.amqpUrl! },
      taskModules: [join(TEST_TASKS, 'evidence.ts'), join(TEST_TASKS, 'basic.ts')],
    });
  });
  after(async () => {
    await deployment.destroy();
    await servers.stop();
  });

  it('has each of them run exactly once, in order, by the same processes and without an operator', async () => {
    const { api, manager, beat, workers } = await deployment.startAll([
      ['-n', 'w1', '-c', '2'],
      ['-n', 'w2', '-c', '2'],
    ]);
    const roles = [api, manager, beat, ...workers];
    const blockers = await occupySlots(deployment);
    const file = join(deployment.directory, 'evidence');
    const asked = await submitAll(deployment, file);

    await servers.rabbit!.kill9();
    servers.rabbit!.wipe();
    await servers.rabbit!.start();
    for (const { id } of blockers) await deployment.request('POST', `/api/v1/tasks/${id}/cancel`, {});

    await until('all have ended', async () => (await completed(deployment)) === asked.length, {
      timeoutMs: 200_000,
      everyMs: 500,
    });
    const spans = readSpans(file);
    expect(spans.map(span => span.label).sort(), 'each body ran once').to.deep.equal(asked.map(({ label }) => label).sort());
    expect(spans.filter(span => !span.ended)).to.deep.equal([]);
    expect(overlaps(spans, asked)).to.deep.equal([]);
    expect(overtakings(spans, asked)).to.deep.equal([]);
    expect(roles.filter(role => !role.running).map(role => role.name)).to.deep.equal([]);
  });

  it('is consumed again by everybody who consumed before, and knows every queue', async () => {
    const queues = ['resource-manager', 'work.default', 'worker.w1', 'worker.w2'];
    await until(
      'each queue has its consumers',
      async () => {
        const lines = (await servers.rabbit!.ctl(['list_queues', '-q', '--no-table-headers', 'name', 'consumers'])).split('\n');
        const counts = new Map(lines.map(line => line.split('\t') as [string, string]));
        const prefix = deployment.env.INTERLOCK_AMQP_PREFIX ?? '';
        return queues.every(queue => Number(counts.get(prefix + queue) ?? 0) > 0);
      },
      { timeoutMs: 60_000, everyMs: 1_000 },
    );
  });
});

/** Every slot runs something that only a cancel ends, so that whatever comes next waits. */
async function occupySlots(deployment: Deployment): Promise<TaskView[]> {
  const blockers: TaskView[] = [];
  for (let n = 0; n < SLOTS; n++) blockers.push(await deployment.submit({ name: 'test.wait', kwargs: { ms: 600_000 } }));
  const running = { state: 'running' };
  await until('all slots are taken', async () => (await deployment.db.collection('tasks').countDocuments(running)) === SLOTS);
  return blockers;
}

async function submitAll(deployment: Deployment, file: string): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (let n = 0; n < PLAIN + RESERVED; n++) {
    const exclusive = n % 10 < 3 ? [`resource-${n % RESOURCES}`] : [];
    asked.push({ label: `t${n}`, exclusive, shared: [] });
  }
  const tasks = asked.map(({ label, exclusive }) => ({ name: 'test.evidence', exclusive, kwargs: { file, label, ms: 0 } }));
  const answer = await deployment.request('POST', '/api/v1/tasks/batch', { tasks });
  expect(answer.status).to.equal(202);
  return asked;
}

function completed(deployment: Deployment): Promise<number> {
  return deployment.db.collection('tasks').countDocuments({ name: 'test.evidence', state: 'completed' });
}
