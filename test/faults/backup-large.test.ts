import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { v7 } from 'uuid';

import type { TaskDocument } from '../../src/store/mongo/task-documents.js';
import { Deployment } from '../support/deployment.js';
import { notAbandoned } from '../support/not-abandoned.js';
import { until } from '../support/wait.js';

const CLI = fileURLToPath(new URL('../../dist/cli/interlock.js', import.meta.url));
const TASKS = 50_000;
/** 220 MiB of documents in all, so that whoever kept them would be seen. */
const RESULT = JSON.stringify('x'.repeat(4_000));
const MiB = 1_048_576;
/** More than a command that finds nothing to do: some batches, and what is collected only now and then. */
const MOST_MiB = 170;

/** Runs a command and looks at its memory as it goes: the most that it ever had resident. */
async function measured(
  deployment: Deployment,
  ...args: string[]
): Promise<{ code: number | null; peak: number; stderr: string }> {
  const child = notAbandoned(
    spawn(process.execPath, [CLI, ...args], {
      env: deployment.env,
      cwd: deployment.directory,
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  );
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const closed = once(child, 'close');
  let peak = 0;
  await until(
    'it has ended',
    () => {
      if (child.exitCode !== null) return true;
      const [, kB] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      peak = Math.max(peak, Number(kB ?? 0) * 1_024);
      return false;
    },
    { timeoutMs: 240_000 },
  );
  await closed;
  return { code: child.exitCode, peak, stderr };
}

describe(`a deployment with ${TASKS} tasks that have ended`, function () {
  this.timeout(600_000);
  let deployment: Deployment;
  let directory: string;
  let base: number;

  before(async () => {
    deployment = await Deployment.create();
    directory = join(deployment.directory, 'backup');
    base = (await measured(deployment, 'backup', join(deployment.directory, 'empty'))).peak;
    for (let from = 0; from < TASKS; from += 1_000) {
      const documents = Array.from({ length: 1_000 }, (_, n) => ended(from + n + 1));
      await deployment.db.collection<TaskDocument>('tasks').insertMany(documents);
    }
    await deployment.db.collection<{ _id: string }>('counters').updateOne({ _id: 'seq' }, { $set: { n: TASKS } });
  });
  after(() => deployment.destroy());

  it('is backed up in the memory of an empty one and a few batches', async () => {
    const { code, peak, stderr } = await measured(deployment, 'backup', directory);
    expect(code, stderr).to.equal(0);
    expect(stderr).to.match(/tasks: 50,000 documents/);
    expect((peak - base) / MiB).to.be.lessThan(MOST_MiB);
  });

  it('is half restored by a restore that is killed: no role starts on it, and the next restore mends it', async () => {
    await deployment.db.dropDatabase();
    const restore = deployment.start('restore', [directory]);
    const coming = deployment.db.collection('restoring.tasks');
    await until('some are loaded', async () => (await coming.estimatedDocumentCount()) > 1_000, { timeoutMs: 120_000 });
    await restore.kill('SIGKILL');
    for (const role of ['api', 'resource-manager', 'beat', 'worker']) {
      const started = deployment.start(role);
      const { code } = await started.exited;
      expect(code, role).to.equal(1);
      expect(started.output, role).to.match(/is being restored from the backup .* run `interlock restore DIR` again/);
    }
    expect((await deployment.cli('manage-db')).stderr).to.match(/is being restored/);
    expect((await deployment.cli('audit')).stderr).to.match(/is being restored/);

    const { code, peak, stderr } = await measured(deployment, 'restore', directory);
    expect(code, stderr).to.equal(0);
    expect((peak - base) / MiB).to.be.lessThan(MOST_MiB);
    expect(await deployment.db.collection('tasks').countDocuments()).to.equal(TASKS);
    await sound();
  });

  it('is mended too when the restore was killed while it switched over', async () => {
    await deployment.db.collection('schedules').drop();
    await deployment.db.collection('tasks').rename('restoring.tasks');
    const mark = { backup: 'x', phase: 'switching', startedAt: new Date(), by: 'host a' };
    await deployment.db.collection<{ _id: string }>('meta').insertOne({ _id: 'restore', ...mark });
    const failing = await deployment.cli('restore', join(deployment.directory, 'nowhere'));
    expect(failing.code).to.equal(1);
    const { code, stderr } = await measured(deployment, 'restore', directory);
    expect(code, stderr).to.equal(0);
    await sound();
  });

  async function sound(): Promise<void> {
    const { code, stdout } = await deployment.cli('audit', '--json');
    expect(code, stdout).to.equal(0);
    expect((JSON.parse(stdout) as { checked: { tasks: number } }).checked.tasks).to.equal(TASKS);
    const names = (await deployment.db.listCollections().toArray()).map(({ name }) => name);
    expect(names.filter(name => name.startsWith('restoring'))).to.deep.equal([]);
  }
});

function ended(seq: number): TaskDocument {
  const at = new Date(1_700_000_000_000 + seq);
  const start = { n: 1, worker: 'w', incarnation: 'i', token: `t${seq}`, startedAt: at, finishedAt: at, reason: 'completed' };
  return {
    ...{
      _id: v7(),
      seq,
      name: 'test',
      args: '[]',
      kwargs: '{}',
      queue: 'default',
      priority: 4,
      rank: 0,
      exclusive: [],
      shared: [],
    },
    ...{ state: 'completed', attempt: 1, maxAttempts: 1, onWorkerLoss: 'cancel', attempts: [start], progress: [] },
    ...{
      createdResources: [],
      correlationId: 'c',
      tags: [],
      createdAt: at,
      readyAt: at,
      startedAt: at,
      finishedAt: at,
      result: RESULT,
    },
  };
}
