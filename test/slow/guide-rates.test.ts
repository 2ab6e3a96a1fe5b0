import { expect } from 'chai';
import { fileURLToPath } from 'node:url';

import { Deployment, type TaskView } from '../support/deployment.js';

const EXAMPLE = fileURLToPath(new URL('../../docs/examples/rates.ts', import.meta.url));

describe('docs/tasks.md, rate limits', function () {
  this.timeout(240_000);
  let deployment: Deployment;

  before(async () => {
    deployment = await Deployment.create({ timingScale: 1, taskModules: [EXAMPLE] });
    await deployment.startAll([
      ['-n', 'w1', '-c', '4'],
      ['-n', 'w2', '-c', '4'],
    ]);
  });
  after(() => deployment.destroy());

  async function ended(name: string, kwargs: object, more: object = {}): Promise<TaskView> {
    return deployment.final((await deployment.submit({ name, kwargs, ...more })).id);
  }

  const send = (sender: string, more: object = {}) => ({ name: 'send-mail', kwargs: { sender, to: 'bob' }, ...more });
  interface Explained {
    waitingFor: string;
    text: string;
    rate: { key: string; limit: string; position: number; expectedAt: string };
  }

  it('hold for all workers together, for each key by itself, and explain when a turn comes', async () => {
    const tasks = Array.from({ length: 15 }, () => send('ann'));
    const { body } = await deployment.request<{ items: TaskView[] }>('POST', '/api/v1/tasks/batch', { tasks });
    const last = body.items.at(-1)!;
    const { body: why } = await deployment.request<Explained>('GET', `/api/v1/tasks/${last.id}/explain`);
    const other = await ended('send-mail', { sender: 'cy', to: 'bob' });
    expect((await deployment.task(last.id)).state, 'another key goes its own way').to.equal('waiting');
    expect(why).to.deep.include({ waitingFor: 'limit' });
    expect(why.rate).to.include({ key: 'mail:ann', limit: '3/s' });
    expect(why.rate.position).to.be.within(1, 15);
    expect(why.text).to.match(/its turn under the rate limit "mail:ann" \(3\/s\): .* its turn is expected at 2/);
    const ends = await Promise.all(body.items.map(({ id }) => deployment.final(id)));
    expect([...ends, other].map(({ state }) => state)).to.deep.equal(Array<string>(16).fill('completed'));
    const starts = ends.map(({ startedAt }) => Date.parse(startedAt ?? '')).sort((a, b) => a - b);
    for (const [place, at] of starts.entries()) {
      for (const [before, from] of starts.slice(0, place).entries())
        expect(place - before + 1).to.be.at.most(3 + (3 * (at - from + 50)) / 1_000);
    }
  });

  it('say beforehand when the turn of another one would come, and are refused where they make no sense', async () => {
    const dry = await deployment.request<Explained>('POST', '/api/v1/tasks?dryRun=true', send('dry', { rateLimit: '1/h' }));
    expect(dry.body.rate).to.include({ key: 'mail:dry', limit: '1/h', position: 1 });
    const { status, body } = await deployment.request<{ errors: { pointer: string; detail: string }[] }>(
      ...(['POST', '/api/v1/tasks', send('dry', { rateLimit: 'often' })] as const),
    );
    expect(status).to.equal(400);
    expect(body.errors[0]?.pointer).to.equal('/rateLimit');
    expect(body.errors[0]?.detail).to.contain('"10/s"');
  });

  it('leave a slow turn to whoever waits for it, and its expiry to the record', async () => {
    const slow = { rateLimit: '1/d', rateKey: 'slow' };
    const first = await ended('send-mail', { sender: 'x', to: 'y' }, slow);
    const options = ['--rate-limit', slow.rateLimit, '--rate-key', slow.rateKey, '--expires', '2', '--json'];
    const { stdout } = await deployment.cli('task', 'run', 'send-mail', '--kwargs', '{"sender": "x", "to": "y"}', ...options);
    const second = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as TaskView;
    expect(second).to.include({ waitingFor: 'limit', rateLimit: '1/d', rateKey: 'slow' });
    expect(first.state).to.equal('completed');
    expect(await deployment.final(second.id)).to.include({ state: 'canceled', reason: 'expired', attempt: 0 });
  });
});
