import { expect } from 'chai';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Deployment, type TaskView } from '../support/deployment.js';
import { until } from '../support/wait.js';

const FAMILY = join(fileURLToPath(new URL('../support/tasks', import.meta.url)), 'family.ts');

describe('a task that awaits others', function () {
  this.timeout(240_000);
  let deployment: Deployment;
  before(async () => {
    deployment = await Deployment.create({ taskModules: [FAMILY] });
    await deployment.startCore();
  });
  afterEach(() => deployment.stopWorkers());
  after(() => deployment.destroy());

  /** One worker, of one slot. */
  const startWith = (env: Record<string, string> = {}, ...args: string[]): void => {
    deployment.start('worker', ['-n', 'w1', '-c', '1', ...args], env);
  };
  const submit = (name: string, kwargs: object, more: object = {}): Promise<TaskView> =>
    deployment.submit({ name, kwargs, ...more });
  const ended = async (...given: Parameters<typeof submit>): Promise<TaskView> => deployment.final((await submit(...given)).id);
  const childrenOf = async ({ id }: TaskView): Promise<TaskView[]> =>
    (await deployment.request<{ items: TaskView[] }>('GET', `/api/v1/tasks?parent=${id}`)).body.items;
  const awaitingOf = async (task: TaskView): Promise<string[]> => {
    await until(`task ${task.id} awaits`, async () => (await deployment.task(task.id)).awaiting !== null);
    return (await deployment.task(task.id)).awaiting!;
  };
  const explained = async ({ id }: TaskView): Promise<string> =>
    (await deployment.request<{ text: string }>('GET', `/api/v1/tasks/${id}/explain`)).body.text;

  for (const pool of ['prefork', 'async']) {
    it(`lets them run in its only slot, three levels deep (${pool})`, async () => {
      startWith({}, '--pool', pool);
      const task = await ended('test.nest', { depth: 3 });
      expect(task).to.deep.include({ state: 'completed', result: 3, awaiting: null });
      expect(await ended('test.nest', { depth: 3 }), 'and once more').to.include({ state: 'completed' });
    });
  }

  it('sees how each of them ended, also of several at once', async () => {
    startWith();
    expect(await ended('test.caller', { reserves: ['r'] })).to.deep.include({ state: 'completed', result: { napped: 0 } });
    const failed = await ended('test.caller', { reserves: [], fails: true });
    const [child] = await childrenOf(failed);
    expect(failed.error).to.include({
      code: 'CHILD_FAILED',
      message: `The task ${child!.id} (test.nap) is failed: TASK_ERROR: as asked`,
    });
    const several = await ended('test.awaiter', { reserves: [['a'], ['b'], ['a'], []] });
    expect(several.result).to.deep.equal([0, 1, 2, 3].map(() => ({ napped: 0 })));
  });

  it('says whom it waits for, and that its slot is free', async () => {
    startWith();
    const parent = await submit('test.caller', { reserves: [], ms: 600_000 });
    const [child] = await awaitingOf(parent);
    expect(await explained(parent))
      .to.contain(`It awaits task ${child}`)
      .and.contain('has given its slot back');
    await until('the child runs', async () => (await deployment.task(child!)).state === 'running');
    const worker = await deployment.request<{ freeSlots: number; awaiting: string[]; tasks: string[] }>(
      'GET',
      '/api/v1/workers/w1',
    );
    expect(worker.body).to.deep.include({ freeSlots: 0, awaiting: [parent.id], tasks: [parent.id, child] });
    await deployment.request('POST', `/api/v1/tasks/${child}/cancel`, {});
    const end = await deployment.final(parent.id);
    expect(end).to.include({ state: 'failed' });
    expect(end.error?.message).to.equal(`The task ${child} (test.nap) is canceled (user).`);
  });

  it('is refused a wait that could never end, before and after the child is stored, and told the cycle', async () => {
    startWith();
    const called = await ended('test.caller', { reserves: ['r'] }, { exclusive: ['r'] });
    expect(called.error?.code).to.equal('CONFLICT');
    expect(called.error?.message).to.equal(
      `Not waited for: this wait would never end: task ${called.id} (test.caller) awaits the new task (test.nap), the new task waits for "r", which ${called.id} holds.`,
    );
    expect(await childrenOf(called), 'nothing was stored').to.deep.equal([]);
    const spawned = await ended('test.awaiter', { reserves: [['r'], []] }, { exclusive: ['r'] });
    const [child] = (await childrenOf(spawned)).filter(({ exclusive }) => exclusive.length > 0);
    expect(spawned.result).to.deep.equal([
      `InterlockError: Not waited for: this wait would never end: task ${spawned.id} (test.awaiter) awaits ${child!.id} (test.nap), ${child!.id} waits for "r", which ${spawned.id} holds.`,
      { napped: 0 },
    ]);
    expect(await deployment.final(child!.id), 'it waits for nobody that waits for it').to.include({ state: 'completed' });
  });

  it('is refused where as many wait as may', async () => {
    startWith({ INTERLOCK_WORKER_MAX_AWAITING: '2' });
    const task = await ended('test.nest', { depth: 3 });
    expect(task.error?.message).to.match(/CHILD_FAILED: .*OVERLOADED: 2 tasks of this worker wait for others already/);
  });

  it('ends at once when it is cancelled, and its child goes on', async () => {
    startWith();
    const parent = await submit('test.caller', { reserves: [], ms: 2_000 });
    const [child] = await awaitingOf(parent);
    await until('the child runs', async () => (await deployment.task(child!)).state === 'running');
    await deployment.request('POST', `/api/v1/tasks/${parent.id}/cancel`, {});
    expect(await deployment.final(parent.id)).to.include({ state: 'canceled', reason: 'user', awaiting: null });
    expect(await deployment.final(child!)).to.include({ state: 'completed' });
    expect(await ended('test.nap', {}), 'the slot is whole').to.include({ state: 'completed' });
  });

  describe('under its own reservation', () => {
    it('has them run at once, however deep, before those who wait, with fences that only grow', async () => {
      startWith();
      const parent = await submit('test.lender', { resource: 'r', depth: 2 });
      const next = await submit('test.nap', {}, { exclusive: ['r'] });
      const end = await deployment.final(parent.id);
      expect(end).to.include({ state: 'completed' });
      const fences = end.result as number[];
      expect(fences).to.have.length(5);
      expect(fences).to.deep.equal([...fences].sort((a, b) => a - b));
      const [child] = await childrenOf(parent);
      expect(child).to.include({ under: parent.id, state: 'completed' });
      const after = await deployment.final(next.id);
      expect(Date.parse(after.startedAt ?? '')).to.be.at.least(Date.parse(end.finishedAt ?? ''));
    });

    it('leaves its resource to a child that is still running when it ends', async () => {
      startWith();
      const parent = await ended('test.leaver', { ms: 3_000 }, { exclusive: ['r'] });
      const child = parent.result as string;
      const next = await submit('test.nap', {}, { exclusive: ['r'] });
      await until('the child runs', async () => (await deployment.task(child)).state === 'running');
      const { holders } = (
        await deployment.request<{ holders: { task: string; lender: string | null }[] }>('GET', '/api/v1/resources/r')
      ).body;
      expect(holders.map(({ task, lender }) => ({ task, lender }))).to.deep.equal([{ task: child, lender: parent.id }]);
      const [end, after] = [await deployment.final(child), await deployment.final(next.id)];
      expect(Date.parse(after.startedAt ?? '')).to.be.at.least(Date.parse(end.finishedAt ?? ''));
    });

    it('is refused where it reserves nothing', async () => {
      startWith();
      const task = await ended('test.leaver', { ms: 1 });
      expect(task.error).to.include({ code: 'CONFLICT' });
      expect(task.error?.message).to.equal(
        `Not spawned: task ${task.id} (test.leaver) reserves nothing, so nothing can run under its reservation.`,
      );
      expect(await childrenOf(task)).to.deep.equal([]);
    });
  });
});
