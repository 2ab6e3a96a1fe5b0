import { expect } from 'chai';
import { join } from 'node:path';

import { Deployment, TEST_TASKS, type Role, type TaskView } from '../support/deployment.js';
import { until } from '../support/wait.js';

describe('a task that awaits others, and is lost with its worker', function () {
  this.timeout(240_000);
  let deployment: Deployment;
  before(async () => {
    deployment = await Deployment.create({ timingScale: 0.5, taskModules: [join(TEST_TASKS, 'family.ts')] });
    await deployment.startCore();
  });
  afterEach(() => deployment.stopWorkers());
  after(() => deployment.destroy());

  const startTwo = (): Role => {
    const first = deployment.start('worker', ['-n', 'w1', '-c', '1']);
    deployment.start('worker', ['-n', 'w2', '-c', '1', '-Q', 'other']);
    return first;
  };
  const childrenOf = async ({ id }: TaskView): Promise<TaskView[]> =>
    (await deployment.request<{ items: TaskView[] }>('GET', `/api/v1/tasks?parent=${id}`)).body.items;
  const awaitingOf = async (task: TaskView): Promise<string[]> => {
    await until(`task ${task.id} awaits`, async () => (await deployment.task(task.id)).awaiting !== null);
    return (await deployment.task(task.id)).awaiting!;
  };

  it('is lost like any other, and its child goes on', async () => {
    const lost = startTwo();
    const again = await deployment.submit({ name: 'test.patient-caller', kwargs: { ms: 8_000 } });
    const [child] = await awaitingOf(again);
    await until('the child runs', async () => (await deployment.task(child!)).state === 'running');
    await lost.kill('SIGKILL');
    deployment.start('worker', ['-n', 'w3', '-c', '1']);
    const end = await deployment.final(again.id);
    expect(end).to.deep.include({ state: 'completed', attempt: 2, result: { napped: 8_000 }, worker: 'w3' });
    const children = await childrenOf(again);
    expect(children.map(({ state, worker }) => [state, worker])).to.deep.equal([
      ['completed', 'w2'],
      ['completed', 'w2'],
    ]);
  });

  it('runs again behind its borrower when its worker is lost', async () => {
    const lost = startTwo();
    const parent = await deployment.submit({ name: 'test.lender-again', kwargs: { ms: 10_000 } });
    const [child] = await awaitingOf(parent);
    await until('the child runs', async () => (await deployment.task(child!)).state === 'running');
    await lost.kill('SIGKILL');
    deployment.start('worker', ['-n', 'w3', '-c', '1']);
    const end = await deployment.final(parent.id);
    expect(end, JSON.stringify(end.error)).to.deep.include({ state: 'completed', attempt: 2 });
    const first = await deployment.final(child!);
    expect(first).to.include({ state: 'completed' });
    expect(Date.parse(end.startedAt ?? '')).to.be.at.least(Date.parse(first.finishedAt ?? ''));
    expect((await deployment.cli('audit')).code, 'nothing is wrong by the records').to.equal(0);
  });
});
