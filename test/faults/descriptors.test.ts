import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { statOf } from '../../src/process/identity.js';
import { Deployment, TEST_TASKS, type Role, type TaskView } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { until } from '../support/wait.js';

describe('a process that may open nothing more', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  beforeEach(async () => {
    deployment = await Deployment.create({
      timingScale: 0.5,
      taskModules: ['evidence.ts', 'basic.ts'].map(name => join(TEST_TASKS, name)),
    }); // a fence after 10 s, so that a busy machine alone loses no worker
  });
  afterEach(() => deployment.destroy());

  const file = (): string => join(deployment.directory, 'evidence');
  const submit = (label: string, ms: number): Promise<TaskView> =>
    deployment.submit({ name: 'test.evidence', kwargs: { file: file(), label, ms } });
  const running = (label: string): Promise<unknown> =>
    until(`${label} runs`, () => readSpans(file()).some(span => span.label === label));

  /** From now on it can have no file beside those that it has; or it is free again. */
  function limit(pid: number, free = false): void {
    const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
    let first = 0;
    while (taken.has(first)) first++;
    execFileSync('prlimit', ['--pid', String(pid), `--nofile=${free ? 4_096 : first}:`]);
  }

  it('as a worker: it lives, its heartbeats go on, what runs ends well, and what it could not begin is told or runs later', async () => {
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '4']]);
    const worker = workers[0]!;
    const long = await submit('long', 600_000);
    const ends = await submit('ends', 12_000);
    await running('long');
    await running('ends');
    limit(worker.pid);
    const others = await Promise.all(['a', 'b', 'c', 'd'].map(label => submit(label, 10)));
    expect(await deployment.final(ends.id), fences(worker)).to.include({ state: 'completed', attempt: 1 });
    const beats = async (): Promise<number> =>
      (await deployment.db.collection<{ _id: string; beat: number }>('processes').findOne({ _id: 'w1' }))!.beat;
    const before = await beats();
    await until('six heartbeats have come', async () => (await beats()) >= before + 6, { timeoutMs: 60_000 });
    expect(await deployment.task(long.id)).to.include({ state: 'running', attempt: 1 });
    expect(worker.running).to.equal(true);

    limit(worker.pid, true);
    for (const { id } of others) {
      const ended = await deployment.final(id);
      expect(`${ended.state} ${ended.attempt}`, ended.error?.message).to.be.oneOf(['completed 1', 'failed 1']);
    }
    const after = await submit('after', 10);
    expect(await deployment.final(after.id)).to.include({ state: 'completed', worker: 'w1' });
    await deployment.request('POST', `/api/v1/tasks/${long.id}/cancel`, {});
    expect(await deployment.final(long.id)).to.include({ state: 'canceled', reason: 'user' });
  });

  it('as a child: its watchdog goes on, and so does its body', async () => {
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '1']]);
    const task = await deployment.submit({ name: 'test.wait', kwargs: { ms: 3_000 } });
    await until('it runs', async () => (await deployment.task(task.id)).state === 'running');
    const children = readdirSync('/proc')
      .map(Number)
      .filter(pid => statOf(pid)?.parent === workers[0]!.pid);
    expect(children).to.have.length.above(0);
    children.forEach(pid => limit(pid));
    const ended = await deployment.final(task.id);
    expect(ended, ended.error?.message).to.include({ state: 'completed', result: 'waited' });
  });

  it('as an API: those who have a connection are served, others when it may again', async () => {
    const { api } = await deployment.startAll();
    const first = await submit('first', 10);
    limit(api.pid);
    const strangers = Array.from({ length: 10 }, () =>
      fetch(`${deployment.url}/livez`, { signal: AbortSignal.timeout(2_000), headers: { connection: 'close' } }).catch(
        (error: unknown) => error,
      ),
    );
    const answers = await Promise.all(strangers);
    expect(
      answers.some(answer => answer instanceof Error),
      'not all of them can be let in',
    ).to.equal(true);
    expect(api.running).to.equal(true);
    limit(api.pid, true);
    expect(await deployment.final(first.id)).to.include({ state: 'completed' });
    const after = await until('it takes tasks again', () => submit('after', 10), { timeoutMs: 60_000 });
    expect(await deployment.final(after.id)).to.include({ state: 'completed' });
    await deployment.healthy();
  });
});

function fences({ output }: Role): string {
  return output
    .split('\n')
    .filter(line => /Self-fence|EMFILE/.test(line))
    .join('\n');
}
