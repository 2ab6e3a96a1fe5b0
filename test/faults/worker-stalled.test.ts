import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { isDead, statOf } from '../../src/process/identity.js';
import { Deployment, TEST_TASKS, type TaskView } from '../support/deployment.js';
import { overlaps, readSpans, type Asked } from '../support/evidence.js';
import { until } from '../support/wait.js';

/** Put into the worker from outside: at a signal its event loop stands still, until there is a file of this name. */
const blocksUntil = (file: string): string =>
  `import { existsSync } from 'node:fs';
  process.on('SIGUSR2', () => {
    process.stderr.write('blocked\\n');
    while (!existsSync(${JSON.stringify(file)}));
    process.stderr.write('turns again\\n');
  });`;
const RESULT_BYTES = 200 * 1024 * 1024;
/** Far below what was sent, far above what a heap grows by that had no reason to be collected. */
const GROWTH_MIB = 120;

describe('a worker', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  beforeEach(async () => {
    const taskModules = ['evidence.ts', 'rough.ts', 'basic.ts'].map(file => join(TEST_TASKS, file));
    deployment = await Deployment.create({ timingScale: 0.5, taskModules });
  });
  afterEach(() => deployment.destroy());

  const file = (): string => join(deployment.directory, 'evidence');
  const submit = (label: string, ms: number, more: Record<string, unknown> = {}): Promise<TaskView> =>
    deployment.submit({ name: 'test.evidence', kwargs: { file: file(), label, ms, stubborn: ms > 1_000 }, ...more });
  const begun = async (label: string): Promise<number> =>
    (await until(`${label} has begun`, () => readSpans(file()).find(span => span.label === label))).pid;
  const record = (id: string) => deployment.db.collection<{ _id: string }>('tasks').findOne({ _id: id });

  it('whose event loop stands still loses its child by the watchdog and its task to a sweep, and changes nothing when it turns again', async () => {
    for (const role of ['api', 'resource-manager', 'beat']) deployment.start(role);
    const release = join(deployment.directory, 'release');
    const worker = deployment.start('worker', ['-n', 'w1', '-c', '1', '-Q', 'default,first'], {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(blocksUntil(release))}`,
    });
    await deployment.healthy();
    const exclusive = ['repo'];
    const lost = await submit('lost', 600_000, { exclusive, queue: 'first' });
    const pid = await begun('lost');
    const next = await submit('next', 500, { exclusive });
    deployment.start('worker', ['-n', 'w2', '-c', '1']);
    worker.child.kill('SIGUSR2');
    await until('it is blocked', () => worker.output.includes('blocked'));

    expect(await deployment.final(next.id)).to.include({ state: 'completed', worker: 'w2' });
    expect(isRunning(pid)).to.equal(false);
    expect(await deployment.task(lost.id)).to.include({ state: 'canceled', reason: 'worker-lost' });
    const before = await record(lost.id);
    writeFileSync(release, '');
    await until('it turns again', () => worker.output.includes('turns again'));
    const after = await submit('after', 100, { queue: 'first' });
    expect(await deployment.final(after.id)).to.include({ state: 'completed', worker: 'w1' });
    expect(worker.output).to.contain('Self-fence');
    expect(await record(lost.id)).to.deep.equal(before);
    const asked: Asked[] = ['lost', 'next'].map(label => ({ label, exclusive, shared: [] }));
    expect(overlaps(readSpans(file()), asked)).to.deep.equal([]);
  });

  it('ends a task whose child is frozen by its time limit, and fills the slot again', async () => {
    await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const frozen = await submit('frozen', 600_000, { exclusive: ['repo'], timeLimit: 3 });
    const pid = await begun('frozen');
    process.kill(pid, 'SIGSTOP');
    const next = await submit('next', 50, { exclusive: ['repo'] });
    expect(await deployment.final(frozen.id)).to.include({ state: 'failed', reason: 'timeout', attempt: 1 });
    expect(isRunning(pid)).to.equal(false);
    expect(await deployment.final(next.id)).to.include({ state: 'completed', worker: 'w1' });
  });

  it('stays small whatever its children send: too large a result, or messages without end', async () => {
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const quick = { name: 'test.returns', kwargs: { what: 'big', size: 1_000 } };
    expect(await deployment.final((await deployment.submit(quick)).id)).to.include({ state: 'completed' });
    const before = mostMiB(workers[0]!.pid);
    const large = await deployment.submit({ name: 'test.returns', kwargs: { what: 'big', size: RESULT_BYTES } });
    const flood = await deployment.submit({ name: 'rough.flood' });
    const ends = await Promise.all([large, flood].map(({ id }) => deployment.final(id)));
    expect(ends.map(({ state, error }) => [state, error?.code])).to.deep.equal([
      ['failed', 'RESULT_TOO_LARGE'],
      ['failed', 'CHILD_DIED'],
    ]);
    expect(mostMiB(workers[0]!.pid) - before).to.be.below(GROWTH_MIB);
    expect(await deployment.final((await deployment.submit(quick)).id)).to.include({ state: 'completed', worker: 'w1' });
  });
});

/** The most that it ever had in memory. */
function mostMiB(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) / 1_024;
}

function isRunning(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && !isDead(stat);
}
