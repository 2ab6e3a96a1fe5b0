import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { Deployment, type Role } from '../support/deployment.js';
import { allGone, liveRoles } from '../support/live-roles.js';
import { until } from '../support/wait.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START = join(ROOT, 'dist/main/start/start.js');

describe('Everything in one terminal', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  beforeEach(async () => (deployment = await Deployment.create({ env: { INTERLOCK_LOG_LEVEL: 'info' } })));
  afterEach(() => deployment.destroy());

  async function dev(): Promise<Role> {
    says('first');
    const started = deployment.start('dev', ['-c', '2'], { INTERLOCK_TASK_MODULES: module() });
    await until('dev is ready', () => started.output.includes('ready - try'), { timeoutMs: 90_000 });
    return started;
  }

  const module = (): string => join(deployment.directory, 'mine.mjs');
  const says = (word: string): void => writeFileSync(module(), `export async function word() { return '${word}'; }\n`);

  it('runs all four roles, says so, and ends them in order at Ctrl-C', async () => {
    const started = await dev();
    for (const role of ['api', 'resource-manager', 'worker', 'beat'])
      expect(started.output).to.match(new RegExp(`^ {2}${role} +\\S`, 'm'));
    const seen = await liveRoles(deployment);
    expect(seen.map(({ role }) => role)).to.have.members(['api', 'resource-manager', 'worker', 'beat']);
    await deployment.healthy();
    started.child.kill('SIGINT');
    expect((await started.exited).code).to.equal(0);
    expect(allGone(seen)).to.equal(true);
    const stopped = [...started.output.matchAll(/info +([a-z-]+) Stopped\./g)].map(match => match[1]);
    expect(stopped).to.deep.equal(['api', 'worker', 'beat', 'resource-manager']);
    const states = await deployment.db.collection('processes').distinct('state');
    expect(states).to.deep.equal(['stopped']);
  });

  it('runs what `interlock init` wrote', async () => {
    expect(await deployment.cli('init')).to.include({ code: 0 });
    delete deployment.env.INTERLOCK_TASK_MODULES; // the settings of the folder name them
    const started = deployment.start('dev', ['-c', '2']);
    await until('dev is ready', () => started.output.includes('ready - try'), { timeoutMs: 90_000 });
    const input = ['--kwargs', '{"repository": "centos"}'];
    const { code, stdout, stderr } = await deployment.cli('task', 'run', 'example.sync', ...input, '--wait');
    expect(code, stderr).to.equal(0);
    const { result, progress } = JSON.parse(stdout) as { result: unknown; progress: { done: number; state: string }[] };
    expect(result).to.deep.equal({ repository: 'centos', files: 20 });
    expect(progress[0]).to.include({ done: 20, state: 'completed' });
    const sum = await deployment.cli('task', 'run', 'tasks.add', '--args', '[1, 2]', '--wait');
    expect(JSON.parse(sum.stdout)).to.include({ result: 3 });
  });

  it('ends with 1 when a role does not start, naming it', async () => {
    const broken = join(deployment.directory, 'broken.mjs');
    writeFileSync(broken, 'export const = 1;\n');
    const started = deployment.start('dev', [], { INTERLOCK_TASK_MODULES: broken });
    expect((await started.exited).code).to.equal(1);
    expect(started.output).to.match(/The (api|worker) ended before it was ready/);
    expect(started.output).to.include('broken.mjs');
    expect(await liveRoles(deployment)).to.deep.equal([]);
  });

  it('takes changed task code without being told, and goes on with the old code while the new one is broken', async () => {
    const started = await dev();
    const answer = async (): Promise<unknown> => {
      const task = await deployment.submit({ name: 'mine.word' });
      return (await deployment.final(task.id)).result;
    };
    expect(await answer()).to.equal('first');
    writeFileSync(module(), 'export const = 1;\n');
    await until(
      'it says that the code is broken',
      () => /mine\.mjs changed, but cannot be used[^]*Unexpected/.test(started.output),
      {
        timeoutMs: 60_000,
      },
    );
    expect(await answer(), 'the old code').to.equal('first');
    says('second');
    await until('the new code answers', async () => (await answer()) === 'second', { timeoutMs: 90_000, everyMs: 500 });
  });
});

describe('npm start', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  let child: ChildProcess | undefined;
  before(async () => (deployment = await Deployment.create()));
  afterEach(() => child?.kill('SIGKILL')); // of a test that failed
  after(() => deployment.destroy());

  it('mirrors a repository, shows the lock, checks what is published, and reports it', async () => {
    const env: NodeJS.ProcessEnv = { ...deployment.env, INTERLOCK_LOG_LEVEL: 'warn' };
    delete env.INTERLOCK_TASK_MODULES;
    const options = { env, cwd: deployment.directory };
    const started = spawn(process.execPath, [START, '--once', '--json'], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    let [stdout, stderr] = ['', ''];
    started.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    started.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [code] = (await once(started, 'close')) as [number | null];
    expect(code, stderr).to.equal(0);
    const report = JSON.parse(stdout.trim().split('\n').at(-1)!) as { tasks: { name: string; state: string }[]; files: number };
    expect(report).to.include({ ok: true, waitedForLock: true });
    expect(report.files).to.be.greaterThan(10);
    expect(report.tasks.map(({ name, state }) => `${name} ${state}`)).to.deep.equal([
      'file.sync completed',
      'file.sync completed',
      'file.publish completed',
    ]);
    expect(stderr).to.match(/lock: It waits for .*repositories\/demo/);
  });
});
