import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { isDead, statOf } from '../../src/process/identity.js';
import { Deployment, type Role, type TaskView } from '../support/deployment.js';
import { overlaps, readSpans, type Asked } from '../support/evidence.js';
import { until } from '../support/wait.js';

/** Everything but workers once, for all tests of a block; each has workers and a file of evidence of its own. */
class Scene {
  #deployment: Deployment | undefined;
  #tests = 0;

  constructor(timingScale?: number) {
    before(async () => {
      this.#deployment = await Deployment.create(timingScale === undefined ? {} : { timingScale });
      await this.#deployment.startCore();
    });
    beforeEach(() => void (this.#tests += 1));
    afterEach(() => this.deployment.stopWorkers());
    after(() => this.#deployment?.destroy());
  }

  get deployment(): Deployment {
    return this.#deployment!;
  }

  get file(): string {
    return join(this.deployment.directory, `evidence-${this.#tests}`);
  }

  /** A worker of one slot. */
  start(name: string, ...args: string[]): Role {
    return this.deployment.start('worker', ['-n', name, '-c', '1', ...args]);
  }

  /** The same, when it works. */
  async ready(...given: Parameters<Scene['start']>): Promise<Role> {
    const worker = this.start(...given);
    await this.deployment.healthy();
    return worker;
  }

  /** Submits a body that leaves evidence on one exclusive resource. */
  evidence(label: string, ms: number, more: Record<string, unknown> = {}): Promise<TaskView> {
    const { name = 'test.evidence', exclusive = ['repo'], stubborn = false, ...rest } = more;
    return this.deployment.submit({ name, exclusive, kwargs: { file: this.file, label, ms, stubborn }, ...rest });
  }

  async begun(label: string): Promise<number> {
    const span = await until(`${label} has begun`, () => readSpans(this.file).find(each => each.label === label));
    return span.pid;
  }

  expectNoOverlap(labels: string[]): void {
    const asked: Asked[] = labels.map(label => ({ label, exclusive: ['repo'], shared: [] }));
    expect(overlaps(readSpans(this.file), asked)).to.deep.equal([]);
  }

  linesOf(label: string): number {
    return readFileSync(this.file, 'utf8')
      .split('\n')
      .filter(line => line.includes(`"label":"${label}"`)).length;
  }
}

describe('a worker that is killed during its task', function () {
  this.timeout(180_000);
  const scene = new Scene();

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

describe('a worker that is killed during its task, in real time', function () {
  this.timeout(180_000);
  const scene = new Scene(1);

  it('ends it at once when it comes back under the same name, at the real timings', async () => {
    const first = await scene.ready('w1');
    const lost = await scene.evidence('lost', 600_000, { stubborn: true });
    await scene.begun('lost');
    const next = await scene.evidence('next', 100);
    await first.kill('SIGKILL');
    scene.start('w1');
    expect(await scene.deployment.final(lost.id)).to.include({ state: 'canceled', reason: 'worker-lost' });
    expect(await scene.deployment.final(next.id)).to.include({ state: 'completed' });
    scene.expectNoOverlap(['lost', 'next']);
    const missing = await scene.deployment.db.collection('processes').countDocuments({ role: 'worker', state: 'missing' });
    expect(missing, 'nobody had to wait for a sweep').to.equal(0);
  });

  it('is done with within 30 s at the real timings', async () => {
    const first = await scene.ready('w1');
    const lost = await scene.evidence('lost', 600_000);
    await scene.begun('lost');
    scene.start('w2');
    const killedAt = Date.now();
    await first.kill('SIGKILL');
    const ended = await scene.deployment.final(lost.id, 90_000);
    expect(ended).to.include({ state: 'canceled', reason: 'worker-lost' });
    const record = await scene.deployment.db.collection<{ _id: string; finishedAt: Date }>('tasks').findOne({ _id: lost.id });
    // Promise P5, not a measure of speed: TTL 25 s + sweep 5 s. Server and test share this machine's clock.
    expect(record!.finishedAt.getTime() - killedAt).to.be.lessThan(30_000);
  });
});

describe('a worker that freezes and wakes up', function () {
  this.timeout(180_000);
  let frozen: number[] = [];
  afterEach(() => thaw()); // before workers are asked to end
  const scene = new Scene();

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
  const scene = new Scene();

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
