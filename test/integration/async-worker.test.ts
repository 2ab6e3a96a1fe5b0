import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, TEST_TASKS, type Role, type TaskView } from '../support/deployment.js';
import { isGone, statOf } from '../../src/process/identity.js';
import { linesOf } from '../support/pool.js';
import { until } from '../support/wait.js';

describe('a worker that runs its tasks in one process', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  let worker: Role;

  before(async () => {
    deployment = await Deployment.create({
      taskModules: ['crowd.ts', 'basic.ts'].map(name => join(TEST_TASKS, name)),
      env: { INTERLOCK_WORKER_RETIRE_MS: '1000' },
    });
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '200', '--pool', 'async']]);
    worker = workers[0]!;
  });
  after(() => deployment.destroy());

  const submit = (name: string, args: unknown[], more: object = {}): Promise<TaskView> =>
    deployment.submit({ name, args, ...more });
  const pids = async (tasks: TaskView[]): Promise<Set<unknown>> =>
    new Set((await Promise.all(tasks.map(task => deployment.final(task.id)))).map(task => task.result));
  const patient = async (label: string, more: object = {}): Promise<TaskView> => {
    const file = join(deployment.directory, label);
    const task = await submit('crowd.patient', [file], more);
    await until(`${label} to have begun`, () => linesOf(file).length > 0);
    return task;
  };

  it('runs a hundred tasks side by side, those with resources among them, outside the supervisor', async () => {
    const batch = Array.from({ length: 100 }, (_, n) => ({
      name: 'crowd.brief',
      args: [200],
      exclusive: n % 2 === 0 ? [`r${n}`] : [],
    }));
    expect((await deployment.request('POST', '/api/v1/tasks/batch', { tasks: batch })).status).to.equal(202);
    const path = '/api/v1/tasks?name=crowd.brief&state=completed&limit=200';
    const done = await until(
      'all to be completed',
      async () => {
        const { items } = (await deployment.request<{ items: TaskView[] }>('GET', path)).body;
        return items.length === batch.length ? items : undefined;
      },
      { timeoutMs: 120_000, everyMs: 200 },
    );
    const [pid, ...others] = new Set(done.map(task => task.result));
    expect(others).to.deep.equal([]);
    expect(statOf(pid as number)?.parent).to.equal(worker.pid);
  });

  it('cancels one of them and no other', async () => {
    const [one, other] = [await patient('one'), await patient('other')];
    await deployment.request('POST', `/api/v1/tasks/${one.id}/cancel`, {});
    expect(await deployment.final(one.id)).to.include({ state: 'canceled', reason: 'user' });
    expect(await deployment.task(other.id)).to.include({ state: 'running' });
    await deployment.request('POST', `/api/v1/tasks/${other.id}/cancel`, {});
    expect(await deployment.final(other.id)).to.include({ state: 'canceled', reason: 'user' });
  });

  it('loses them together when their process is killed, each by its type, and goes on', async () => {
    const lost = await patient('lost', { exclusive: ['shared-fate'] });
    const file = join(deployment.directory, 'again');
    const again = await submit('crowd.untilAgain', [file], { onWorkerLoss: 'requeue', maxAttempts: 3 });
    await until('it to have begun', () => linesOf(file).length > 0);
    const [pid] = await pids([await submit('crowd.brief', [0])]);
    process.kill(pid as number, 'SIGKILL');
    const ended = await deployment.final(lost.id);
    expect(ended).to.include({ state: 'canceled', reason: 'worker-lost' });
    expect(ended.attempts[0]!.exit).to.deep.equal({ code: null, signal: 'SIGKILL' });
    expect(await deployment.final(again.id)).to.include({ state: 'completed', attempt: 2, worker: 'w1' });
  });

  it('ends a body that does not heed its cancellation, and gives its resource on only then', async () => {
    const file = join(deployment.directory, 'stubborn');
    const stubborn = await submit('crowd.stubborn', [file], { exclusive: ['held'] });
    await until('it to have begun', () => linesOf(file).length > 0);
    const [pid] = await pids([await submit('crowd.brief', [0])]);
    const next = await submit('crowd.brief', [0], { exclusive: ['held'] });
    await deployment.request('POST', `/api/v1/tasks/${stubborn.id}/cancel`, {});
    expect(await deployment.final(stubborn.id)).to.include({ state: 'canceled', reason: 'user' });
    expect((await deployment.final(next.id)).result).to.not.equal(pid);
  });

  it('kills all of them when it is killed itself', async () => {
    const task = await patient('orphan');
    const [pid] = (await pids([await submit('crowd.brief', [0])])) as Set<number>;
    const { startTicks } = statOf(pid!)!;
    await worker.kill('SIGKILL');
    await until('the child to be gone', () => isGone(pid!, startTicks));
    expect(await deployment.final(task.id)).to.include({ state: 'canceled', reason: 'worker-lost' });
  });

  it('ends when it is asked to, whatever its bodies heed', async () => {
    const other = deployment.start('worker', ['-n', 'w2', '-c', '10', '--pool', 'async']);
    const file = join(deployment.directory, 'last');
    const stubborn = [await submit('crowd.stubborn', [file]), await submit('crowd.stubborn', [file])];
    await until('both to have begun', () => linesOf(file).length === 2);
    const gentle = await patient('gentle');
    await other.kill('SIGTERM');
    expect((await other.exited).code).to.equal(0);
    for (const { id } of [...stubborn, gentle])
      expect(await deployment.final(id)).to.include({ state: 'canceled', reason: 'worker-shutdown' });
  });
});
