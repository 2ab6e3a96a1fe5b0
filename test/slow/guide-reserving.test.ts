import { expect } from 'chai';
import { fileURLToPath } from 'node:url';

import { Deployment, type TaskView } from '../support/deployment.js';
import { until } from '../support/wait.js';

/** What docs/tasks.md says of the lines, of its own example. */
describe('what a task reserves', function () {
  this.timeout(240_000);
  let deployment: Deployment;

  before(async () => {
    const taskModules = [fileURLToPath(new URL('../../docs/examples/reserving.ts', import.meta.url))];
    deployment = await Deployment.create({ taskModules });
    await deployment.startAll();
  });
  after(() => deployment.destroy());

  /** Submits one, and gives it as it is when it has ended. */
  const ended = async (name: string, kwargs: object): Promise<TaskView> =>
    deployment.final((await deployment.submit({ name, kwargs })).id);
  const explained = async (id: string) =>
    (await deployment.request<{ text: string; waitingFor: string }>('GET', `/api/v1/tasks/${id}/explain`)).body;
  const running = (id: string) => until('it runs', async () => (await deployment.task(id)).state === 'running');
  const cancel = (id: string) => deployment.request('POST', `/api/v1/tasks/${id}/cancel`, {});
  const long = { ms: 600_000 };

  it('may be a whole tree: it waits for what runs beneath, and what comes later waits for it', async () => {
    const beneath = await deployment.submit({ name: 'publish', kwargs: { repository: 'a', ...long } });
    await running(beneath.id);
    const all = await deployment.submit({ name: 'backup' });
    const later = await deployment.submit({ name: 'publish', kwargs: { repository: 'b' } });
    await until('it is in line', async () =>
      (await explained(all.id)).text.includes(`task ${beneath.id} holds "repositories/a" on`),
    );
    expect((await explained(later.id)).text).to.include(`the next being task ${all.id}`);
    await cancel(beneath.id);
    const [backup, publish] = [await deployment.final(all.id), await deployment.final(later.id)];
    expect(backup.result).to.have.property('fence').that.is.greaterThan(0);
    expect(Date.parse(publish.startedAt ?? '')).to.be.at.least(Date.parse(backup.finishedAt ?? ''));
  });

  it('is refused where a name looks like a pattern and is none', async () => {
    const wish = { name: 'backup', exclusive: ['a/**/b'] };
    const { status, body } = await deployment.request<{ errors: { pointer: string }[] }>('POST', '/api/v1/tasks', wish);
    expect([status, body.errors[0]?.pointer]).to.deep.equal([400, '/exclusive/0']);
  });

  it('may be units of what is declared, in strict order', async () => {
    const train = (gpus: number) => ({ name: 'train', kwargs: { gpus, ...long } });
    const capacity = (units: number) => deployment.request('PUT', '/api/v1/resources/gpu', { capacity: units });
    expect((await deployment.request('POST', '/api/v1/tasks', train(1))).status, 'not declared').to.equal(400);
    expect([(await capacity(3)).status, (await capacity(4)).status]).to.deep.equal([201, 200]);
    expect((await deployment.request('POST', '/api/v1/tasks', train(5))).status, 'more than there are').to.equal(400);
    const first = await deployment.submit(train(3));
    await running(first.id);
    const [large, small] = [await deployment.submit(train(4)), await deployment.submit(train(1))];
    expect((await explained(large.id)).text).to.include('4 units of "gpu", of which 3 of 4 are held; it is next in line');
    await capacity(2);
    await cancel(first.id);
    await deployment.final(first.id);
    expect((await explained(large.id)).text).to.include('asks for 4 units of "gpu", but there are only 2 now');
    expect((await explained(small.id)).text).to.include(`task ${large.id} asks for 4, more than there are`);
    await capacity(5);
    await Promise.all([running(large.id), running(small.id)]);
    const shown = await deployment.request<{ held: number; holders: { task: string }[] }>('GET', '/api/v1/resources/gpu');
    expect(shown.body.held).to.equal(5);
    expect(shown.body.holders.map(each => each.task)).to.have.members([large.id, small.id]);
    await Promise.all([cancel(large.id), cancel(small.id)]);
    expect((await deployment.request('DELETE', '/api/v1/resources/gpu')).status).to.equal(204);
  });

  it('may be a place among so many at a time: others wait in line, and take no slot', async () => {
    const download = (host: string, more: object = long) => ({
      name: 'download',
      kwargs: { url: `http://${host}/x`, ...more },
    });
    const busy = [await deployment.submit(download('a')), await deployment.submit(download('a'))];
    await Promise.all(busy.map(({ id }) => running(id)));
    const waiting = [await deployment.submit(download('a', {})), await deployment.submit(download('a', {}))];
    expect(await ended('download', { url: 'http://b/x' })).to.include({ state: 'completed' });
    expect(await deployment.task(waiting[1]!.id)).to.include({ state: 'waiting', waitingFor: 'limit' });
    const { text, waitingFor } = await explained(waiting[1]!.id);
    expect(waitingFor).to.equal('limit');
    expect(text).to.equal(
      'It waits for the limit "download:a": 2 of at most 2 at a time run, or are about to; 1 task stands in line before it.',
    );
    await cancel(busy[0]!.id);
    for (const { id } of waiting) expect(await deployment.final(id)).to.include({ state: 'completed' });
    await cancel(busy[1]!.id);
  });
});
