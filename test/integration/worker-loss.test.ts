import { expect } from 'chai';

import { isDead, statOf } from '../../src/process/identity.js';
import { readSpans } from '../support/evidence.js';
import { until } from '../support/wait.js';
import { WorkerScene } from '../support/worker-scene.js';

describe('a worker that is killed during its task', function () {
  this.timeout(180_000);
  const scene = new WorkerScene();

  it('loses it as worker-lost, its busy child dies before the resource is given on, and what had not started runs elsewhere', async () => {
    const first = await scene.ready('w1');
    const lost = await scene.evidence('lost', 600_000, { stubborn: true });
    await scene.begun('lost');
    const next = await scene.evidence('next', 100);
    const plain = await scene.evidence('plain', 100, { exclusive: [] });
    scene.start('w2');
    await first.kill('SIGKILL');

    expect(await scene.deployment.final(lost.id)).to.include({ state: 'canceled', reason: 'worker-lost', worker: 'w1' });
    for (const task of [next, plain])
      expect(await scene.deployment.final(task.id)).to.include({ state: 'completed', worker: 'w2' });
    scene.expectNoOverlap(['lost', 'next']);
  });

  it('has its task run again where the type says so, visibly and with its place kept', async () => {
    const first = await scene.ready('w1');
    const again = await scene.evidence('again', 3_000, { name: 'test.again' });
    await scene.begun('again');
    const next = await scene.evidence('next', 100);
    scene.start('w2', '-c', '2');
    await first.kill('SIGKILL');

    const ended = await scene.deployment.final(again.id);
    expect(ended).to.include({ state: 'completed', attempt: 2, worker: 'w2' });
    expect(ended.attempts.map(({ n, worker, reason }) => ({ n, worker, reason }))[0]).to.deep.equal({
      n: 1,
      worker: 'w1',
      reason: 'worker-lost',
    });
    await scene.deployment.final(next.id);
    scene.expectNoOverlap(['again', 'next']);
    expect(readSpans(scene.file).map(span => `${span.label}/${span.attempt}`)).to.deep.equal(['again/1', 'again/2', 'next/1']);
  });
});

describe('a worker that freezes and wakes up', function () {
  this.timeout(180_000);
  let frozen: number[] = [];
  afterEach(() => thaw()); // before workers are asked to end
  const scene = new WorkerScene();

  const freeze = (pids: number[]): void => pids.forEach(pid => process.kill((frozen.push(pid), pid), 'SIGSTOP'));
  /** Children first: they could do the most harm. */
  function thaw(): void {
    for (const pid of frozen.reverse()) if (isRunning(pid)) process.kill(pid, 'SIGCONT');
    frozen = [];
  }
  const record = async (id: string): Promise<unknown> =>
    scene.deployment.db.collection<{ _id: string }>('tasks').findOne({ _id: id });
  const incarnation = async (name: string): Promise<unknown> =>
    (
      await scene.deployment.db
        .collection<{ _id: string; incarnation: string }>('processes')
        .findOne({ _id: name, state: 'live' } as object)
    )?.incarnation;

  it('finds its child dead and its task ended, changes no record, and works on under a new incarnation', async () => {
    const first = await scene.ready('w1');
    const lost = await scene.evidence('lost', 600_000, { stubborn: true });
    const pid = await scene.begun('lost');
    const former = await incarnation('w1');
    freeze([first.pid]);
    const ended = await scene.deployment.final(lost.id);
    expect(ended).to.include({ state: 'canceled', reason: 'worker-lost' });
    expect(isRunning(pid), 'the child died by its own watchdog').to.equal(false);
    const before = await record(lost.id);

    thaw();
    const next = await scene.evidence('next', 100);
    expect(await scene.deployment.final(next.id)).to.include({ state: 'completed', worker: 'w1' });
    expect(await incarnation('w1'))
      .to.be.a('string')
      .and.not.equal(former);
    expect(await record(lost.id)).to.deep.equal(before);
    scene.expectNoOverlap(['lost', 'next']);
  });

  it('with its child, whose body then writes for no longer than its watchdog takes to look, though its resource is given on', async () => {
    const first = await scene.ready('w1', '-Q', 'default,first');
    const lost = await scene.evidence('lost', 600_000, { name: 'test.again', queue: 'first', stubborn: true });
    const pid = await scene.begun('lost');
    const former = await incarnation('w1');
    scene.start('w2');
    await until('the other worker lives', () => incarnation('w2'));
    freeze([first.pid, pid]);
    await until('both stand still', () => frozen.every(each => statOf(each)?.state === 'T'));
    await until('its task is queued again', async () => (await scene.deployment.task(lost.id)).state === 'waiting', {
      timeoutMs: 60_000,
    });
    const canceled = await scene.deployment.request('POST', `/api/v1/tasks/${lost.id}/cancel`, {});
    expect(canceled.status).to.equal(202);
    const next = await scene.evidence('next', 3_000);
    await scene.begun('next');
    const [before, lines] = [await record(lost.id), scene.linesOf('lost')];

    thaw();
    await until('the thawed child is dead', () => !isRunning(pid));
    // The watchdog looks every 100 ms, the body writes every 50 ms; the rest is for a machine that is busy with others.
    expect(scene.linesOf('lost') - lines).to.be.at.most(10);
    const again = await scene.evidence('again', 100, { exclusive: [], queue: 'first' });
    expect(await scene.deployment.final(again.id)).to.include({ state: 'completed', worker: 'w1' });
    expect(await incarnation('w1'))
      .to.be.a('string')
      .and.not.equal(former);
    expect(await record(lost.id)).to.deep.equal(before);
    expect(await scene.deployment.final(next.id)).to.include({ state: 'completed', worker: 'w2', attempt: 1 });
  });
});

describe('two workers of one name', function () {
  this.timeout(90_000);
  const scene = new WorkerScene();

  it('are one too many: the second is refused and told who has the name, the first works on', async () => {
    const first = await scene.ready('w1');
    const second = scene.start('w1');
    expect((await second.exited).code).to.not.equal(0);
    expect(second.output).to.contain(`pid ${first.pid}`);
    const task = await scene.evidence('works', 50);
    expect(await scene.deployment.final(task.id)).to.include({ state: 'completed', worker: 'w1' });
  });
});

/** A zombie whose frozen parent cannot reap it is dead: signal 0 would still reach it. */
function isRunning(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && !isDead(stat);
}
