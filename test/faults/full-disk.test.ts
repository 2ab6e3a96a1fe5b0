import { expect } from 'chai';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { provideServers, type ProvidedServers } from '../../src/servers/servers.js';
import { Deployment, TEST_TASKS, type Role, type TaskView } from '../support/deployment.js';
import { overlaps, readSpans } from '../support/evidence.js';
import { testServers } from '../support/servers.js';
import { onSmallDisk, SmallDisk } from '../support/small-disk.js';
import { until } from '../support/wait.js';

/** A journal of WiredTiger takes 100 MB at once; with what a fresh member writes besides, this leaves 100 MB. */
const DATABASE_DISK = '350m';

onSmallDisk('a full disk', function () {
  this.timeout(300_000);
  let disk: SmallDisk;
  let deployment: Deployment;
  afterEach(async () => {
    disk.free();
    await deployment.destroy();
  });

  const file = (): string => join(deployment.directory, 'evidence');
  const submit = (label: string, ms: number, more: Record<string, unknown> = {}): Promise<TaskView> =>
    deployment.submit({ name: 'test.evidence', exclusive: ['r'], kwargs: { file: file(), label, ms }, ...more });
  const begun = (label: string): Promise<unknown> =>
    until(`${label} has begun`, () => readSpans(file()).some(span => span.label === label), { timeoutMs: 60_000 });

  describe('of the database', () => {
    let servers: ProvidedServers | undefined;
    before(async () => {
      disk = await SmallDisk.make(DATABASE_DISK);
      const directory = fileURLToPath(new URL('../../.interlock', import.meta.url));
      const dataDirectory = join(disk.path, 'data');
      servers = await provideServers({ directory, dataDirectory, need: { mongo: true, amqp: false } });
    });
    after(async () => {
      await servers?.stop();
      await disk.remove();
    });

    it('refuses what cannot be stored, ends what runs, and all goes on by itself once there is room', async () => {
      deployment = await Deployment.create({
        servers: { mongoUrl: servers!.mongoUrl!, amqpUrl: testServers().amqpUrl },
        taskModules: [join(TEST_TASKS, 'evidence.ts'), join(TEST_TASKS, 'basic.ts')],
      });
      const { api, manager, beat, workers } = await deployment.startAll([['-n', 'w1', '-c', '2']]);
      const roles: Role[] = [api, manager, beat, ...workers];
      const lost = await submit('lost', 600_000);
      await begun('lost');
      const accepted = [lost, await submit('next', 50)];

      disk.fill();
      const big = {
        name: 'test.evidence',
        countdown: 3_600,
        tags: ['big'],
        kwargs: { file: 'x'.repeat(900_000), label: 'big', ms: 0 },
      };
      const refused = await until(
        'a task is refused',
        async () => {
          const answer = await deployment.request<TaskView>('POST', '/api/v1/tasks', big);
          if (answer.status === 202) accepted.push(answer.body);
          return answer.status === 202 ? undefined : answer;
        },
        { timeoutMs: 120_000, everyMs: 0 },
      );
      expect([refused.status, (refused.body as { code?: string }).code]).to.deep.equal([503, 'STORE_UNAVAILABLE']);
      expect(Number(refused.headers.get('retry-after'))).to.be.greaterThan(0);
      await until('the server has given up', () => servers!.mongo!.ended(), { timeoutMs: 60_000 });
      await until('the worker has fenced itself', () => workers[0]!.output.includes('Self-fence'), { timeoutMs: 60_000 });

      disk.free();
      await servers!.mongo!.start();
      expect(await deployment.final(lost.id)).to.include({ state: 'canceled', reason: 'worker-lost' });
      expect(await deployment.final(accepted[1]!.id)).to.include({ state: 'completed', attempt: 1 });
      for (const { id } of accepted) expect((await deployment.request('GET', `/api/v1/tasks/${id}`)).status, id).to.equal(200);
      expect(
        roles.filter(role => !role.running).map(({ name }) => name),
        'who needed a restart',
      ).to.deep.equal([]);
      const asked = ['lost', 'next'].map(label => ({ label, exclusive: ['r'], shared: [] }));
      expect(overlaps(readSpans(file()), asked)).to.deep.equal([]);
      expect(await deployment.cli('audit'), 'no grant is half written').to.include({ code: 0 });
    });
  });

  describe('of a worker', () => {
    before(async () => {
      disk = await SmallDisk.make('4m');
    });
    after(() => disk.remove());

    it('fails tasks that write to it, with their own error; heartbeats, other tasks and what stands in its log go on', async () => {
      deployment = await Deployment.create({
        taskModules: [join(TEST_TASKS, 'evidence.ts'), join(TEST_TASKS, 'basic.ts')],
        env: { INTERLOCK_WORKING_DIRECTORY: join(disk.path, 'work') },
      });
      for (const role of ['api', 'resource-manager', 'beat']) deployment.start(role);
      const worker = deployment.start('worker', ['-n', 'w1', '-c', '2'], {}, join(disk.path, 'worker.log'));
      await deployment.healthy();
      const long = await submit('long', 600_000);
      await begun('long');
      disk.fill();
      const writes = await Promise.all(Array.from({ length: 5 }, () => deployment.submit({ name: 'basic.writeMuch', args: [] })));
      for (const { id } of writes) {
        const ended = await deployment.final(id);
        expect(ended).to.include({ state: 'failed', attempt: 1 });
        expect(ended.error?.message).to.match(/ENOSPC|no space left/);
      }
      for (let n = 0; n < 5; n++) {
        const task = await submit(`beside-${n}`, 10, { exclusive: [] });
        expect(await deployment.final(task.id)).to.include({ state: 'completed', worker: 'w1' });
      }
      expect(await deployment.task(long.id), 'its heartbeats went on').to.include({ state: 'running', attempt: 1 });
      expect(worker.running).to.equal(true);

      disk.free();
      const before = worker.output.length;
      const after = await submit('after', 10, { exclusive: [] });
      await deployment.final(after.id);
      await until('it writes its log again', () => worker.output.length > before);
      await deployment.request('POST', `/api/v1/tasks/${long.id}/cancel`, {});
      expect(await deployment.final(long.id)).to.include({ state: 'canceled', reason: 'user' });
      expect((await worker.kill('SIGTERM'), (await worker.exited).code), 'and stops in good order').to.equal(0);
    });
  });
});
