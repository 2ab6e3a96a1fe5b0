import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { isDead, statOf } from '../../src/process/identity.js';
import { Deployment, TEST_TASKS, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { linesOf } from '../support/pool.js';
import { until } from '../support/wait.js';

const KINDS = [
  'asleep',
  'busy',
  'blocked in the kernel',
  'with a grandchild in its group',
  'with a grandchild in a session of its own',
];

describe('a worker that is killed while its children do what they can to live on', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  before(async () => {
    const taskModules = ['evidence.ts', 'rough.ts'].map(file => join(TEST_TASKS, file));
    deployment = await Deployment.create({ timingScale: 0.5, taskModules });
  });
  after(() => deployment.destroy());

  const trace = (kind: string): string => join(deployment.directory, `trace ${kind}`);

  function submit(kind: string): Promise<TaskView> {
    const file = trace(kind);
    const fifo = join(deployment.directory, 'fifo');
    const bodies: Record<string, Record<string, unknown>> = {
      [KINDS[0]!]: { name: 'test.evidence', kwargs: { file, label: kind, ms: 600_000 } },
      [KINDS[1]!]: { name: 'rough.busyLoop', args: [{ file }] },
      [KINDS[2]!]: { name: 'rough.blockedRead', args: [{ file, fifo }] },
      [KINDS[3]!]: { name: 'rough.grandchild', args: [{ file }] },
      [KINDS[4]!]: { name: 'rough.grandchild', args: [{ file, detached: true }] },
    };
    return deployment.submit({ ...bodies[kind], exclusive: [kind], queue: 'first' });
  }

  it('has none of them left, nor what they had started, when its resources are given on', async () => {
    execFileSync('mkfifo', [join(deployment.directory, 'fifo')]);
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', String(KINDS.length), '-Q', 'first']]);
    const lost = await Promise.all(KINDS.map(submit));
    for (const kind of KINDS) await until(`${kind} has begun`, () => linesOf(trace(kind)).length > 0);
    const next = await Promise.all(
      KINDS.map(kind => {
        const kwargs = { file: trace(`next ${kind}`), label: kind, ms: 500 };
        return deployment.submit({ name: 'test.evidence', exclusive: [kind], kwargs });
      }),
    );
    const pids = KINDS.flatMap(kind => pidsIn(trace(kind)));
    deployment.start('worker', ['-n', 'w2', '-c', String(KINDS.length)]);
    await workers[0]!.kill('SIGKILL');

    const begun = (kind: string): boolean => readSpans(trace(`next ${kind}`)).length > 0;
    await until('the first resource is given on', () => KINDS.some(begun), { timeoutMs: 60_000 });
    expect(pids.filter(isRunning), 'left over').to.deep.equal([]);
    const written = KINDS.map(kind => linesOf(trace(kind)).length);
    for (const task of next) expect(await deployment.final(task.id)).to.include({ state: 'completed', worker: 'w2' });
    expect(
      KINDS.map(kind => linesOf(trace(kind)).length),
      'nothing was written meanwhile',
    ).to.deep.equal(written);
    for (const task of lost) expect(await deployment.task(task.id)).to.include({ state: 'canceled', reason: 'worker-lost' });
  });
});

/** Of the processes that wrote these lines, in either form. */
function pidsIn(file: string): number[] {
  const found = linesOf(file).map(line => Number(/^tick (\d+)$/.exec(line)?.[1] ?? (JSON.parse(line) as { pid: number }).pid));
  return [...new Set(found)];
}

function isRunning(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && !isDead(stat);
}
