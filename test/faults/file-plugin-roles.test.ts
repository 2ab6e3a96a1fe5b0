import { expect } from 'chai';

import { Deployment, type Role } from '../support/deployment.js';
import { describeBadOrigins } from '../support/file-breaking.js';
import { describeMirroring } from '../support/file-mirroring.js';
import { begin, create, leftovers, run, stored, type Ended, type Mirror, type Reply } from '../support/mirror.js';
import { TestOrigin, sha256 } from '../support/origin.js';
import { until } from '../support/wait.js';

/** The plugin where it belongs: real roles, task code in child processes. The same cases as in `file-plugin.test.ts`, and what needs several tasks. */
describe('the file plugin in a deployment', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  let mirror: Mirror;
  let origin: TestOrigin;
  let worker: Role;

  before(async () => {
    deployment = await Deployment.create({ timingScale: 1 });
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '3']]);
    worker = workers[0]!;
    mirror = mirrorOf(deployment);
    origin = await TestOrigin.start();
  });
  after(async () => {
    await origin.stop();
    await deployment.destroy();
  });

  describeMirroring(() => mirror);
  describeBadOrigins(() => mirror);

  it('lets the second operation on a repository wait for the first, while another repository goes on', async () => {
    await create(mirror, 'held', { url: origin.tree('held', { 'slow.bin': 'slow '.repeat(5_000) }) });
    origin.but('held/slow.bin', { trickle: true });
    await create(mirror, 'free', { url: origin.tree('free', { 'a.txt': 'a' }) });
    const holder = await begin(mirror, 'held', 'sync');
    await until('the first sync downloads', () => origin.asksFor('slow.bin') === 1);
    const waiting = await begin(mirror, 'held', 'publish');
    expect(await run(mirror, 'free', 'sync')).to.include({ state: 'completed' });
    expect(await run(mirror, 'free', 'publish')).to.include({ state: 'completed' });
    expect((await mirror.request('GET', '/content/free/a.txt')).text).to.equal('a');
    expect(await deployment.task(waiting)).to.include({ state: 'waiting', waitingFor: 'resources' });
    const explained = await mirror.request<{ resources: { name: string; holders: { task: string }[] }[] }>(
      'GET',
      `/api/v1/tasks/${waiting}/explain`,
    );
    expect(explained.body.resources.map(({ name, holders }) => [name, holders[0]?.task])).to.deep.equal([
      ['/api/v1/repositories/held', holder],
    ]);
    await mirror.cancel(holder);
    expect((await mirror.final(holder)).state).to.equal('canceled');
    expect((await mirror.final(waiting)).error?.code).to.equal('CONFLICT');
    expect(await leftovers(mirror)).to.deep.equal([]);
  });

  it('goes on where it was when its worker is killed, with another one', async () => {
    const files = { 'done.bin': `done ${Date.now()}`, 'slow.bin': 'slow '.repeat(500) };
    await create(mirror, 'killed', { url: origin.tree('killed', files) });
    origin.but('killed/slow.bin', { stall: 'headers', times: 1 });
    const id = await begin(mirror, 'killed', 'sync');
    await until('the sync is held up', () => origin.asked.some(({ path }) => path === '/killed/slow.bin'));
    await until('the other file is stored', async () => (await stored(mirror)).includes(sha256(files['done.bin'])));
    await worker.kill('SIGKILL');
    deployment.start('worker', ['-n', 'w2', '-c', '3']);
    const ended = await mirror.final(id);
    expect(ended).to.include({ state: 'completed', error: null });
    expect((await deployment.task(id)).attempts[0]).to.include({ worker: 'w1', reason: 'worker-lost' });
    expect(origin.asked.filter(({ path }) => path === '/killed/done.bin')).to.have.lengthOf(1);
    expect(await leftovers(mirror)).to.deep.equal([]);
  });
});

function mirrorOf(deployment: Deployment): Mirror {
  return {
    dataDirectory: `${deployment.directory}/data`,
    async request<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply<T>> {
      const payload = body === undefined ? {} : { body: JSON.stringify(body) };
      const json = body === undefined ? {} : { 'content-type': 'application/json' };
      const answer = await fetch(`${deployment.url}${path}`, {
        method,
        headers: { ...json, ...headers },
        redirect: 'manual',
        ...payload,
      });
      const text = await answer.text();
      const isJson = answer.headers.get('content-type')?.includes('json') === true && text !== '';
      return { status: answer.status, text, headers: answer.headers, body: (isJson ? JSON.parse(text) : {}) as T };
    },
    async cancel(id) {
      await deployment.request('POST', `/api/v1/tasks/${id}/cancel`, {});
    },
    async final(id) {
      await deployment.final(id, 120_000);
      return (await deployment.request<Ended>('GET', `/api/v1/tasks/${id}`)).body;
    },
  };
}
