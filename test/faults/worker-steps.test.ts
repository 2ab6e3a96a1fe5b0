import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, type Role, type TaskView } from '../support/deployment.js';
import { RawAmqp } from '../support/amqp.js';
import { endsIn, EventStream } from '../support/event-stream.js';
import { readSpans } from '../support/evidence.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/wait.js';

/**
 * Between two steps of a start no signal can be aimed. But what a worker asks of the database, and what it is answered, can be held back: then it
 * stands before the step, or has done it and does not know, for as long as the test likes.
 */
describe('a worker that goes between two steps of a start', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  let proxy: TcpProxy;
  let raw: RawAmqp;
  let w1: Role;
  let beat: Role;

  beforeEach(async () => {
    deployment = await Deployment.create({ timingScale: 0.5 });
    proxy = await TcpProxy.before(deployment.env.INTERLOCK_MONGO_URL!, 27_017, { disguised: true });
    raw = await RawAmqp.connect(deployment.env.INTERLOCK_AMQP_URL);
    for (const role of ['api', 'resource-manager']) deployment.start(role);
    beat = deployment.start('beat');
  });
  afterEach(async () => {
    proxy.set('pass');
    await raw.close();
    await deployment.destroy();
    await proxy.close();
  });

  /** It asks for tasks only when a hint comes, so that what it asks next is known. */
  async function startWorker(): Promise<void> {
    w1 = deployment.start('worker', ['-n', 'w1', '-c', '1'], {
      INTERLOCK_MONGO_URL: proxy.url(deployment.env.INTERLOCK_MONGO_URL!),
      INTERLOCK_TIMING_CLAIM_IDLE_MS: '3600000',
    });
    await deployment.healthy();
  }

  const file = (): string => join(deployment.directory, 'evidence');
  const submit = (label: string, ms = 50): Promise<TaskView> =>
    deployment.submit({ name: 'test.evidence', exclusive: ['repo'], kwargs: { file: file(), label, ms } });
  const spans = (label: string) => readSpans(file()).filter(span => span.label === label);
  const record = (id: string) =>
    deployment.db.collection<{ _id: string; state: string; run?: { incarnation: string } }>('tasks').findOne({ _id: id });
  const processState = async (name: string): Promise<string | undefined> =>
    (await deployment.db.collection<{ _id: string; state: string }>('processes').findOne({ _id: name }))?.state;

  /** Hints that lie in the queue; what was delivered and not acknowledged is not among them. */
  async function ready(): Promise<number> {
    const queue = `${deployment.env.INTERLOCK_AMQP_PREFIX}work.default`;
    return (await raw.depth(queue))!.messages;
  }

  /** A hint was sent, and the worker has it. */
  async function delivered(task: TaskView): Promise<void> {
    await until('the task is granted', async () => (await deployment.task(task.id)).waitingFor === 'worker');
    // Its consumer is there, so that what is not ready any more is in its hands.
    await until(
      'the hint is delivered',
      async () => (await raw.depth(`${deployment.env.INTERLOCK_AMQP_PREFIX}copy`))!.messages > 0,
    );
    await until('none is left', async () => (await ready()) === 0);
  }

  /** Of every hint to the queue a copy goes to another one, which shows that it was sent. */
  async function copyHints(): Promise<void> {
    const prefix = deployment.env.INTERLOCK_AMQP_PREFIX!;
    await raw.on(async channel => {
      await channel.assertQueue(`${prefix}copy`, { exclusive: true });
      await channel.bindQueue(`${prefix}copy`, `${prefix}interlock.tasks`, `${prefix}work.default`);
    });
  }

  it('has started nothing when it is killed with a hint in its hands, and another one starts the task, once', async () => {
    await startWorker();
    await copyHints();
    proxy.set('blackhole-up');
    const task = await submit('task');
    await delivered(task);
    await w1.kill('SIGKILL');
    await until('the broker has the hint again', async () => (await ready()) > 0);
    expect(await deployment.task(task.id)).to.include({ state: 'waiting', attempt: 0 });
    deployment.start('worker', ['-n', 'w2', '-c', '1']);
    expect(await deployment.final(task.id)).to.include({ state: 'completed', attempt: 1, worker: 'w2' });
    expect(spans('task')).to.have.length(1);
  });

  it('loses the task as worker-lost, and its body never begins, when it is killed before it learns of the start', async () => {
    await startWorker();
    proxy.holdReplyTo('findAndModify');
    const task = await submit('task');
    await until('the start is written', async () => (await record(task.id))?.state === 'running');
    await w1.kill('SIGKILL');
    deployment.start('worker', ['-n', 'w2', '-c', '1']);
    const next = await submit('next');
    const ended = await deployment.final(task.id);
    expect(ended).to.include({ state: 'canceled', reason: 'worker-lost', attempt: 1, worker: 'w1' });
    expect(await deployment.final(next.id)).to.include({ state: 'completed', worker: 'w2' });
    await until('the hint that came again is used up', async () => (await ready()) === 0);
    expect(spans('task')).to.deep.equal([]);
  });

  it('keeps the end that it wrote, and its resource is free at once, when it is killed before it learns of that', async () => {
    await startWorker();
    const task = await submit('task', 1_000);
    await until('the body has begun', () => spans('task').length > 0);
    await beat.kill('SIGKILL'); // nobody can find the worker missing
    const next = await submit('next');
    deployment.start('worker', ['-n', 'w2', '-c', '1']);
    proxy.holdReplyTo('completed');
    await until('the end is written', async () => (await record(task.id))?.state === 'completed');
    await w1.kill('SIGKILL');
    expect(await deployment.final(next.id)).to.include({ state: 'completed', worker: 'w2' });
    expect(await processState('w1')).to.equal('live');
    deployment.start('beat');
    await until('it is found missing', async () => (await processState('w1')) === 'missing', { timeoutMs: 60_000 });
    expect(await deployment.task(task.id)).to.include({ state: 'completed', attempt: 1, reason: null });
    expect(spans('task')).to.have.length(1);
  });

  /** Everything that anybody tells of a task from now on; what is published lies in a queue of its own. */
  async function copyEvents(): Promise<() => Promise<string[]>> {
    const prefix = deployment.env.INTERLOCK_AMQP_PREFIX!;
    await raw.on(async channel => {
      await channel.assertQueue(`${prefix}events`, { exclusive: true });
      await channel.bindQueue(`${prefix}events`, `${prefix}interlock.events`, '#');
    });
    const read: string[] = [];
    return () =>
      raw.on(async channel => {
        for (let each = await channel.get(`${prefix}events`); each; each = await channel.get(`${prefix}events`))
          read.push(each.content.toString());
        return read;
      });
  }

  it('has told nobody of the end that it wrote when it is killed before it learns of that; who follows is told from the record', async () => {
    await startWorker();
    const events = await copyEvents();
    const all = await EventStream.open(`${deployment.url}/api/v1/events`);
    const task = await submit('task', 1_000);
    const one = await EventStream.open(`${deployment.url}/api/v1/tasks/${task.id}/events`);
    try {
      await until('the body has begun', () => spans('task').length > 0);
      await until('its start is told', async () => (await events()).some(text => text.includes('"running"')));
      proxy.holdReplyTo('completed');
      await until('the end is written', async () => (await record(task.id))?.state === 'completed');
      await w1.kill('SIGKILL');
      await one.ends();
      expect(one.received.at(-1)?.data).to.deep.include({ id: task.id, state: 'completed' });
      await until('who follows all is told, too', () => endsIn(all).has(task.id), { timeoutMs: 60_000 });
      await until('it is found missing', async () => (await processState('w1')) === 'missing', { timeoutMs: 60_000 });
      expect(
        (await events()).filter(text => text.includes(task.id) && text.includes('"completed"')),
        'no event told of it',
      ).to.deep.equal([]);
      expect(await deployment.task(task.id)).to.include({ state: 'completed', attempt: 1, reason: null });
    } finally {
      for (const stream of [all, one]) stream.leave();
    }
  });

  it('starts nothing that runs when its start is carried out only after it was found missing', async () => {
    await startWorker();
    const former = (await deployment.db.collection<{ _id: string; incarnation: string }>('processes').findOne({ _id: 'w1' }))!
      .incarnation;
    proxy.set('blackhole-up');
    const task = await submit('task');
    await until('the worker is found missing', async () => (await processState('w1')) === 'missing', { timeoutMs: 60_000 });
    expect((await record(task.id))?.state).to.equal('waiting');
    const landed = until('the start is carried out', async () => (await record(task.id))?.run?.incarnation === former, {
      everyMs: 5,
    });
    proxy.set('pass');
    await landed;
    expect(await deployment.final(task.id)).to.include({ state: 'canceled', reason: 'worker-lost', attempt: 1 });
    expect(spans('task'), 'no body').to.deep.equal([]);
    const next = await submit('next');
    expect(await deployment.final(next.id)).to.include({ state: 'completed', worker: 'w1' });
  });
});
