import { join } from 'node:path';

import { expect } from 'chai';

import { createClient, type StreamEvent } from '../../src/client/client.js';
import { Deployment, TEST_TASKS } from '../support/deployment.js';
import { endsIn, EventStream } from '../support/event-stream.js';
import { until } from '../support/wait.js';

const EVENTS = '/api/v1/events';
/** `waiting`, `running`, `progress`, of one task. */
const stepsOf = (stream: EventStream, id: string): string[] =>
  stream.received
    .filter(({ data }) => data?.id === id)
    .map(({ event, data }) => (event === 'progress' ? event : (data?.state ?? '')));
const distinct = (steps: readonly string[]): string[] => steps.filter((step, at) => step !== steps[at - 1]);

describe('events', function () {
  this.timeout(240_000);
  let deployment: Deployment;
  const streams: EventStream[] = [];
  const open = async (path: string, headers: Record<string, string> = {}): Promise<EventStream> => {
    const stream = await EventStream.open(`${deployment.url}${path}`, headers);
    streams.push(stream);
    return stream;
  };

  before(async () => {
    deployment = await Deployment.create({ taskModules: ['basic', 'evidence'].map(name => join(TEST_TASKS, `${name}.ts`)) });
    await deployment.startAll();
  });
  afterEach(() => {
    for (const stream of streams.splice(0)) stream.leave();
  });
  after(() => deployment.destroy());

  it('show the whole life of a task in order: to whoever follows all, the task, or its tag', async () => {
    const [all, tagged] = [await open(EVENTS), await open(`${EVENTS}?tag=seen&name=test.wait`)];
    const { id } = await deployment.submit({ name: 'test.wait', kwargs: { ms: 500 }, tags: ['seen'], exclusive: ['a'] });
    await deployment.submit({ name: 'basic.add', args: [1, 2], tags: ['seen'] });
    const one = await open(`/api/v1/tasks/${id}/events`);
    await one.ends();
    await until('the end to be told to all', () => [all, tagged].every(stream => stepsOf(stream, id).includes('completed')));
    for (const stream of [all, tagged])
      expect(distinct(stepsOf(stream, id))).to.deep.equal(['waiting', 'running', 'progress', 'completed']);
    expect(stepsOf(one, id).at(-1)).to.equal('completed');
    expect(new Set(tagged.received.map(({ data }) => data?.name))).to.deep.equal(new Set(['test.wait']));
    const last = all.received.findLast(({ data }) => data?.id === id)?.data;
    expect(last).to.deep.include({ worker: 'w1', attempt: 1, queue: 'default', tags: ['seen'], cut: [] });
  });

  it('show a cancellation, an expiry, a retry, and what is skipped because of a failure', async () => {
    const all = await open(EVENTS);
    const running = await deployment.submit({ name: 'test.wait', kwargs: { ms: 60_000 } });
    await until('it to run', () => stepsOf(all, running.id).includes('running'));
    await deployment.request('POST', `/api/v1/tasks/${running.id}/cancel`, {});
    const late = await deployment.submit({ name: 'basic.add', countdown: 600, expires: 601 });
    const expiring = await deployment.submit({ name: 'basic.add', args: [1, 2], queue: 'nobody', expires: 1 });
    const again = await deployment.submit({ name: 'basic.fail', args: ['no'], maxAttempts: 2, retry: { delay: 0.1 } });
    await deployment.request('POST', `/api/v1/tasks/${late.id}/cancel`, {});
    const { body } = await deployment.request<{ members: Record<string, { id: string }> }>('POST', '/api/v1/workflows', {
      tasks: { a: { name: 'basic.fail', args: ['no'] }, b: { name: 'basic.add', args: [1, 2], after: ['a'] } },
    });
    const ids = [running.id, late.id, expiring.id, again.id, body.members.b!.id];
    await until('all of them to end', () => ids.every(id => endsIn(all).has(id)));
    const lives = ids.map(id => distinct(stepsOf(all, id)).join(' '));
    expect(lives[0]!.replaceAll(' progress', '')).to.equal('waiting running canceling canceled');
    expect(lives.slice(1)).to.deep.equal([
      'waiting canceled',
      'waiting canceled',
      'waiting running waiting running failed',
      'waiting skipped',
    ]);
    const reasons = [1, 2, 4].map(n => all.received.findLast(({ data }) => data?.id === ids[n])?.data?.reason);
    expect(reasons).to.deep.equal(['user', 'expired', 'dependency-failed']);
  });

  it('tell of the end of a task whose worker was killed', async () => {
    const worker = deployment.start('worker', ['-n', 'doomed', '-c', '1', '-Q', 'doomed']);
    const { id } = await deployment.submit({ name: 'test.wait', kwargs: { ms: 60_000 }, queue: 'doomed' });
    const one = await open(`/api/v1/tasks/${id}/events`);
    await until('it to run', () => stepsOf(one, id).includes('running'));
    await worker.kill('SIGKILL');
    await one.ends();
    expect(one.received.at(-1)?.data).to.deep.include({ state: 'canceled', reason: 'worker-lost' });
  });

  it('are read by the client and the command line', async () => {
    const client = createClient({ url: deployment.url });
    const handle = await client.enqueue('test.wait', { ms: 200 });
    const seen: StreamEvent[] = [];
    for await (const event of handle.events()) seen.push(event);
    expect(seen.at(-1)).to.have.nested.property('task.state', 'completed');
    const second = await client.enqueue('test.wait', { ms: 200 });
    const { code, stdout } = await deployment.cli('events', '--task', second.id, '--json');
    expect(code).to.equal(0);
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).to.have.nested.property('task.state', 'completed');
  });

  it('go on at an API that was started again, which says what it does not know', async () => {
    const api = deployment.start('api', [], { INTERLOCK_API_PORT: '0' });
    const url = await until('it to listen', () => /Listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(api.output)?.[1]);
    const other = await EventStream.open(`${url}${EVENTS}`);
    const { id } = await deployment.submit({ name: 'basic.add', args: [1, 2] });
    await until('its end', () => endsIn(other).has(id));
    await api.kill('SIGTERM');
    await other.ends();
    const again = await open(EVENTS, { 'last-event-id': other.lastId });
    await until('the resync', () => again.told[0] === 'resync unknown-id');
    const next = await deployment.submit({ name: 'basic.add', args: [1, 2] });
    await until('what comes after it', () => endsIn(again).has(next.id));
    const known = await open(EVENTS, { 'last-event-id': again.lastId });
    await deployment.submit({ name: 'basic.add', args: [1, 2] });
    await until('the next event', () => known.told.length > 0);
    expect(known.told).not.to.include('resync unknown-id');
  });
});
