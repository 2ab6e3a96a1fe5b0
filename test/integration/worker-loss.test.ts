import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { isDead, statOf } from '../../src/process/identity.js';
import { Deployment, type TaskView } from '../support/deployment.js';
import { overlaps, readSpans, type Asked } from '../support/evidence.js';
import { until } from '../support/wait.js';

/** Submits a body that leaves evidence on one exclusive resource. */
function evidence(deployment: Deployment, label: string, ms: number, more: Record<string, unknown> = {}): Promise<TaskView> {
  const { name = 'test.evidence', exclusive = ['repo'], stubborn = false, ...rest } = more;
  const kwargs = { file: evidenceFile(deployment), label, ms, stubborn };
  return deployment.submit({ name, exclusive, kwargs, ...rest });
}

const evidenceFile = (deployment: Deployment): string => join(deployment.directory, 'evidence');

async function begun(deployment: Deployment, label: string): Promise<number> {
  const span = await until(`${label} has begun`, () => readSpans(evidenceFile(deployment)).find(each => each.label === label));
  return span.pid;
}

function expectNoOverlap(deployment: Deployment, labels: string[]): void {
  const asked: Asked[] = labels.map(label => ({ label, exclusive: ['repo'], shared: [] }));
  expect(overlaps(readSpans(evidenceFile(deployment)), asked)).to.deep.equal([]);
}

describe('a worker that is killed during its task', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  afterEach(() => deployment.destroy());

  it('loses it as worker-lost, its busy child dies before the resource is given on, and what had not started runs elsewhere', async () => {
    deployment = await Deployment.create();
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const lost = await evidence(deployment, 'lost', 600_000, { stubborn: true });
    await begun(deployment, 'lost');
    const next = await evidence(deployment, 'next', 100);
    const plain = await evidence(deployment, 'plain', 100, { exclusive: [] });
    deployment.start('worker', ['-n', 'w2', '-c', '1']);
    await workers[0]!.kill('SIGKILL');

    expect(await deployment.final(lost.id)).to.include({ state: 'canceled', reason: 'worker-lost', worker: 'w1' });
    for (const task of [next, plain]) expect(await deployment.final(task.id)).to.include({ state: 'completed', worker: 'w2' });
    expectNoOverlap(deployment, ['lost', 'next']);
  });

  it('has its task run again where the type says so, visibly and with its place kept', async () => {
    deployment = await Deployment.create();
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const again = await evidence(deployment, 'again', 3_000, { name: 'test.again' });
    await begun(deployment, 'again');
    const next = await evidence(deployment, 'next', 100);
    deployment.start('worker', ['-n', 'w2', '-c', '2']);
    await workers[0]!.kill('SIGKILL');

    const ended = await deployment.final(again.id);
    expect(ended).to.include({ state: 'completed', attempt: 2, worker: 'w2' });
    expect(ended.attempts.map(({ n, worker, reason }) => ({ n, worker, reason }))[0]).to.deep.equal({
      n: 1,
      worker: 'w1',
      reason: 'worker-lost',
    });
    await deployment.final(next.id);
    expectNoOverlap(deployment, ['again', 'next']);
    expect(readSpans(evidenceFile(deployment)).map(span => `${span.label}/${span.attempt}`)).to.deep.equal([
      'again/1',
      'again/2',
      'next/1',
    ]);
  });

  it('is done with within 30 s at the real timings', async () => {
    deployment = await Deployment.create({ timingScale: 1 });
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const lost = await evidence(deployment, 'lost', 600_000);
    await begun(deployment, 'lost');
    deployment.start('worker', ['-n', 'w2', '-c', '1']);
    const killedAt = Date.now();
    await workers[0]!.kill('SIGKILL');
    const ended = await deployment.final(lost.id, 90_000);
    expect(ended).to.include({ state: 'canceled', reason: 'worker-lost' });
    const record = await deployment.db.collection<{ _id: string; finishedAt: Date }>('tasks').findOne({ _id: lost.id });
    // Promise P5, not a measure of speed: TTL 25 s + sweep 5 s. Server and test share this machine's clock.
    expect(record!.finishedAt.getTime() - killedAt).to.be.lessThan(30_000);
  });

  it('ends it at once when it comes back under the same name, at the real timings', async () => {
    deployment = await Deployment.create({ timingScale: 1 });
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const lost = await evidence(deployment, 'lost', 600_000, { stubborn: true });
    await begun(deployment, 'lost');
    const next = await evidence(deployment, 'next', 100);
    await workers[0]!.kill('SIGKILL');
    deployment.start('worker', ['-n', 'w1', '-c', '1']);
    expect(await deployment.final(lost.id)).to.include({ state: 'canceled', reason: 'worker-lost' });
    expect(await deployment.final(next.id)).to.include({ state: 'completed' });
    expectNoOverlap(deployment, ['lost', 'next']);
    const missing = await deployment.db.collection('processes').countDocuments({ role: 'worker', state: 'missing' });
    expect(missing, 'nobody had to wait for a sweep').to.equal(0);
  });
});

describe('a worker that freezes and wakes up', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  let frozen: number[] = [];
  beforeEach(async () => {
    deployment = await Deployment.create();
  });
  afterEach(async () => {
    thaw();
    await deployment.destroy();
  });

  const freeze = (pids: number[]): void => pids.forEach(pid => process.kill((frozen.push(pid), pid), 'SIGSTOP'));
  /** Children first: they could do the most harm. */
  function thaw(): void {
    for (const pid of frozen.reverse()) if (isRunning(pid)) process.kill(pid, 'SIGCONT');
    frozen = [];
  }
  const record = async (id: string): Promise<unknown> => deployment.db.collection<{ _id: string }>('tasks').findOne({ _id: id });
  const incarnation = async (name: string): Promise<unknown> =>
    (
      await deployment.db
        .collection<{ _id: string; incarnation: string }>('processes')
        .findOne({ _id: name, state: 'live' } as object)
    )?.incarnation;

  it('finds its child dead and its task ended, changes no record, and works on under a new incarnation', async () => {
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const lost = await evidence(deployment, 'lost', 600_000, { stubborn: true });
    const pid = await begun(deployment, 'lost');
    const former = await incarnation('w1');
    freeze([workers[0]!.pid]);
    const ended = await deployment.final(lost.id);
    expect(ended).to.include({ state: 'canceled', reason: 'worker-lost' });
    expect(isRunning(pid), 'the child died by its own watchdog').to.equal(false);
    const before = await record(lost.id);

    thaw();
    const next = await evidence(deployment, 'next', 100);
    expect(await deployment.final(next.id)).to.include({ state: 'completed', worker: 'w1' });
    expect(await incarnation('w1'))
      .to.be.a('string')
      .and.not.equal(former);
    expect(await record(lost.id)).to.deep.equal(before);
    expectNoOverlap(deployment, ['lost', 'next']);
  });

  it('with its child, whose body then writes for no longer than its watchdog takes to look, though its resource is given on', async () => {
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '1', '-Q', 'default,first']]);
    const lost = await evidence(deployment, 'lost', 600_000, { name: 'test.again', queue: 'first', stubborn: true });
    const pid = await begun(deployment, 'lost');
    const former = await incarnation('w1');
    deployment.start('worker', ['-n', 'w2', '-c', '1']);
    await until('the other worker lives', () => incarnation('w2'));
    freeze([workers[0]!.pid, pid]);
    await until('both stand still', () => frozen.every(each => statOf(each)?.state === 'T'));
    await until('its task is queued again', async () => (await deployment.task(lost.id)).state === 'waiting', {
      timeoutMs: 60_000,
    });
    const canceled = await deployment.request('POST', `/api/v1/tasks/${lost.id}/cancel`, {});
    expect(canceled.status).to.equal(202);
    const next = await evidence(deployment, 'next', 3_000);
    await begun(deployment, 'next');
    const [before, lines] = [await record(lost.id), linesOf(deployment, 'lost')];

    thaw();
    await until('the thawed child is dead', () => !isRunning(pid));
    // The watchdog looks every 100 ms, the body writes every 50 ms; the rest is for a machine that is busy with others.
    expect(linesOf(deployment, 'lost') - lines).to.be.at.most(10);
    const again = await evidence(deployment, 'again', 100, { exclusive: [], queue: 'first' });
    expect(await deployment.final(again.id)).to.include({ state: 'completed', worker: 'w1' });
    expect(await incarnation('w1'))
      .to.be.a('string')
      .and.not.equal(former);
    expect(await record(lost.id)).to.deep.equal(before);
    expect(await deployment.final(next.id)).to.include({ state: 'completed', worker: 'w2', attempt: 1 });
  });
});

describe('two workers of one name', function () {
  this.timeout(90_000);
  let deployment: Deployment;
  afterEach(() => deployment.destroy());

  it('are one too many: the second is refused and told who has the name, the first works on', async () => {
    deployment = await Deployment.create();
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const second = deployment.start('worker', ['-n', 'w1', '-c', '1']);
    expect((await second.exited).code).to.not.equal(0);
    expect(second.output).to.contain(`pid ${workers[0]!.pid}`);
    const task = await evidence(deployment, 'works', 50);
    expect(await deployment.final(task.id)).to.include({ state: 'completed', worker: 'w1' });
  });
});

function linesOf(deployment: Deployment, label: string): number {
  return readFileSync(evidenceFile(deployment), 'utf8')
    .split('\n')
    .filter(line => line.includes(`"label":"${label}"`)).length;
}

/** A zombie whose frozen parent cannot reap it is dead: signal 0 would still reach it. */
function isRunning(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && !isDead(stat);
}
