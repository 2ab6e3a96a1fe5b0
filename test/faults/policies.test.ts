import { expect } from 'chai';
import { join } from 'node:path';

import { isDead, statOf } from '../../src/process/identity.js';
import { Deployment, type Role, type TaskView } from '../support/deployment.js';
import { overlaps, readSpans } from '../support/evidence.js';
import { until } from '../support/wait.js';

let deployment: Deployment;

const file = (): string => join(deployment.directory, 'evidence');

/** A body that leaves evidence; on a resource of its own name unless told otherwise. */
function submit(label: string, ms: number, more: Record<string, unknown> = {}): Promise<TaskView> {
  return deployment.submit({ name: 'test.evidence', exclusive: [label], kwargs: { file: file(), label, ms }, ...more });
}

/** The pid of the child. */
async function begun(label: string, attempt = 1): Promise<number> {
  const span = await until(
    `${label}/${attempt} has begun`,
    () => readSpans(file()).find(each => each.label === label && each.attempt === attempt),
    { timeoutMs: 60_000 },
  );
  return span.pid;
}

async function assigned(task: TaskView, worker: string): Promise<void> {
  const id = { _id: task.id } as object;
  await until(`task ${task.id} is bound to ${worker}`, () =>
    deployment.db.collection('tasks').countDocuments({ ...id, waitingFor: 'worker', 'grant.worker': worker }),
  );
}

async function live(name: string): Promise<void> {
  const record = { _id: name, state: 'live' } as object;
  await until(`${name} lives`, () => deployment.db.collection('processes').countDocuments(record));
}

describe('a task whose worker is lost', function () {
  this.timeout(240_000);
  beforeEach(async () => {
    deployment = await Deployment.create();
  });
  afterEach(() => deployment.destroy());

  it('again and again is failed as POISONED, with every start and its end told, and its resource is free', async () => {
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const task = await submit('poison', 600_000, { name: 'test.again', exclusive: ['r'] });
    let current = workers[0]!;
    for (const attempt of [1, 2, 3]) {
      await begun('poison', attempt);
      const next = deployment.start('worker', ['-n', `w${attempt + 1}`, '-c', '1']);
      await live(`w${attempt + 1}`);
      await current.kill('SIGKILL');
      current = next;
    }
    const ended = await deployment.final(task.id);
    expect(ended).to.include({ state: 'failed', reason: 'worker-lost', attempt: 3 });
    expect(ended.attempts.map(({ n, worker, reason, exit }) => ({ n, worker, reason, exit }))).to.deep.equal(
      [1, 2, 3].map(n => ({ n, worker: `w${n}`, reason: 'worker-lost', exit: null })),
    );
    expect(ended.error?.code).to.equal('POISONED');
    expect(ended.error?.message).to.contain(
      'start 1 on w1: worker-lost; start 2 on w2: worker-lost; start 3 on w3: worker-lost.',
    );
    const next = await submit('next', 50, { exclusive: ['r'] });
    expect(await deployment.final(next.id)).to.include({ state: 'completed', worker: 'w4' });
    const asked = ['poison', 'next'].map(label => ({ label, exclusive: ['r'], shared: [] }));
    expect(overlaps(readSpans(file()), asked)).to.deep.equal([]);
  });

  it('is not what happens when its child alone dies: that is failed at once, though the type may be queued again', async () => {
    await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const task = await submit('killed', 600_000, { name: 'test.again' });
    process.kill(await begun('killed'), 'SIGKILL');
    const ended = await deployment.final(task.id);
    expect(ended).to.include({ state: 'failed', attempt: 1, reason: null });
    expect(ended.error?.code).to.equal('CHILD_DIED');
    expect(ended.error?.message).to.contain('SIGKILL');
    expect(ended.attempts[0]).to.deep.include({ n: 1, reason: 'failed', exit: { code: null, signal: 'SIGKILL' } });
  });

  it('shows how its child ended where its supervisor lived to see it: by its deadline, or by a fence', async () => {
    for (const role of ['api', 'resource-manager']) deployment.start(role);
    const beat = deployment.start('beat');
    const worker = deployment.start('worker', ['-n', 'w1', '-c', '1']);
    await deployment.healthy();
    await beat.kill('SIGKILL'); // it would end the task first, and nobody tells it how the child ended
    const task = await submit('cut', 15_000, { name: 'test.again' });
    const frozen = await begun('cut');
    worker.child.kill('SIGSTOP');
    await until('the child of the frozen worker died by its deadline', () => isGoneOrDead(frozen), { timeoutMs: 60_000 });
    worker.child.kill('SIGCONT');
    await begun('cut', 2);
    const missing = { $set: { state: 'missing', endedAt: new Date() } };
    await deployment.db.collection<{ _id: string }>('processes').updateOne({ _id: 'w1' }, missing);
    const ended = await deployment.final(task.id);
    expect(ended).to.include({ state: 'completed', attempt: 3, worker: 'w1' });
    expect(worker.output).to.contain('Self-fence: the database says that this process is missing');
    const exit = { code: null, signal: 'SIGKILL' };
    for (const n of [1, 2]) expect(ended.attempts[n - 1]).to.deep.include({ n, worker: 'w1', reason: 'worker-lost', exit });
  });
});

/** A zombie that its frozen parent cannot reap is dead. */
function isGoneOrDead(pid: number): boolean {
  const stat = statOf(pid);
  return stat === undefined || isDead(stat);
}

describe('the older rule, which cancels what was assigned to a worker that went missing', function () {
  this.timeout(240_000);
  beforeEach(async () => {
    deployment = await Deployment.create({
      env: { INTERLOCK_ASSIGNMENT: 'eager', INTERLOCK_WORKERS_ON_MISSING: 'cancelAssigned' },
    });
  });
  afterEach(() => deployment.destroy());

  /** One that runs for ever on the only slot of w1, and others that wait for it there. */
  async function occupied(): Promise<{ running: TaskView; bound: TaskView }> {
    const running = await submit('running', 600_000);
    await begun('running');
    const bound = await submit('bound', 50);
    await assigned(bound, 'w1');
    return { running, bound };
  }

  const neverRan = (label: string): void => {
    expect(
      readSpans(file()).map(span => span.label),
      `${label} never ran`,
    ).to.not.include(label);
  };

  it('does so when a beat finds it, but neither to plain tasks, nor to types that are queued again, nor to those behind', async () => {
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const { running, bound } = await occupied();
    const again = await submit('again', 50, { name: 'test.again' });
    await assigned(again, 'w1');
    const behind = await submit('behind', 50, { exclusive: ['bound'] });
    const plain = await submit('plain', 50, { exclusive: [] });
    deployment.start('worker', ['-n', 'w2', '-c', '1']);
    await live('w2');
    await workers[0]!.kill('SIGKILL');

    for (const task of [running, bound])
      expect(await deployment.final(task.id)).to.include({ state: 'canceled', reason: 'worker-lost' });
    for (const task of [again, behind, plain])
      expect(await deployment.final(task.id)).to.include({ state: 'completed', worker: 'w2', attempt: 1 });
    expect((await deployment.task(bound.id)).attempts).to.deep.equal([]);
    neverRan('bound');
  });

  it('does so without any beat when it comes back, also when somebody had declared it missing and died', async () => {
    for (const role of ['api', 'resource-manager']) deployment.start(role);
    const beat = deployment.start('beat');
    let worker: Role = deployment.start('worker', ['-n', 'w1', '-c', '1']);
    await deployment.healthy();
    await beat.kill('SIGKILL');
    const taken = await occupied();
    await worker.kill('SIGKILL');
    worker = deployment.start('worker', ['-n', 'w1', '-c', '1']);
    for (const task of [taken.running, taken.bound])
      expect(await deployment.final(task.id)).to.include({ state: 'canceled', reason: 'worker-lost' });
    neverRan('bound');

    const first = await submit('first', 600_000);
    await begun('first');
    const second = await submit('second', 50);
    await assigned(second, 'w1');
    await worker.kill('SIGKILL');
    const declared = { $set: { state: 'missing', endedAt: new Date() } };
    await deployment.db.collection<{ _id: string }>('processes').updateOne({ _id: 'w1' }, declared);
    deployment.start('worker', ['-n', 'w1', '-c', '1']);
    for (const task of [first, second])
      expect(await deployment.final(task.id)).to.include({ state: 'canceled', reason: 'worker-lost' });
    neverRan('second');
    const next = await submit('next', 50);
    expect(await deployment.final(next.id)).to.include({ state: 'completed', worker: 'w1' });
  });

  it('does not when the worker stops in good order: another one takes it', async () => {
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const { running, bound } = await occupied();
    deployment.start('worker', ['-n', 'w2', '-c', '1']);
    await live('w2');
    await workers[0]!.kill('SIGTERM');
    expect(await deployment.final(running.id)).to.include({ state: 'canceled', reason: 'worker-shutdown' });
    expect(await deployment.final(bound.id)).to.include({ state: 'completed', worker: 'w2' });
  });

  it('is refused at start without eager assignment', async () => {
    const beat = deployment.start('beat', [], { INTERLOCK_ASSIGNMENT: 'late' });
    expect((await beat.exited).code).to.equal(78);
    expect(beat.output).to.contain('workers.onMissing').and.to.contain('INTERLOCK_ASSIGNMENT=eager');
  });
});

describe('processes that have ended', function () {
  this.timeout(120_000);
  beforeEach(async () => {
    deployment = await Deployment.create();
  });
  afterEach(() => deployment.destroy());

  it('stay visible for 7 days, missing or stopped, and are then forgotten; the status shows the missing ones', async () => {
    await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const processes = deployment.db.collection<{ _id: string }>('processes');
    const { _id, ...worker } = (await processes.findOne({ _id: 'w1' }))!;
    expect(_id).to.equal('w1');
    const ago = (days: number): Date => new Date(Date.now() - days * 86_400_000);
    await processes.insertMany(
      [6.9, 7.1].flatMap(days =>
        ['missing', 'stopped'].map(state => {
          return { ...worker, _id: `${state}-${days}`, incarnation: `${state}-${days}`, state, endedAt: ago(days) };
        }),
      ),
    );
    const shown = async (): Promise<[string, string][]> => {
      const { items } = (await deployment.request<{ items: { name: string; state: string }[] }>('GET', '/api/v1/workers')).body;
      return items.map(({ name, state }) => [name, state]);
    };
    await until('the old ones are forgotten', async () => (await shown()).every(([name]) => !name.endsWith('7.1')));
    const left = [
      ['w1', 'live'],
      ['missing-6.9', 'missing'],
      ['stopped-6.9', 'stopped'],
    ];
    expect(await shown()).to.deep.equal(left);
    const { workers } = (await deployment.request<{ workers: { name: string; state: string }[] }>('GET', '/api/v1/status')).body;
    expect(workers.map(({ name, state }) => [name, state])).to.deep.equal(left.slice(0, 2));
  });
});
