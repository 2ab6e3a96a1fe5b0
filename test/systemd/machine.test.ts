import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect } from 'chai';

import { Deployment, type TaskView } from '../support/deployment.js';
import { commandLines, commandsOf } from '../support/page-commands.js';
import { until } from '../support/wait.js';
import { Machine } from './machine.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SERVICES = ['interlock-httpd', 'interlock-resource-manager', 'interlock-beat', 'interlock-workers'];
const TASKS = `
import { setTimeout as sleep } from 'node:timers/promises';
export const nap = async ms => { await sleep(ms); return 'rested'; };
`;

describe('All roles under a real systemd', function () {
  this.timeout(300_000);
  let folder: string;
  let deployment: Deployment;
  let machine: Machine;
  const made: { deployment?: Deployment; machine?: Machine } = {};
  const accepted: string[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'interlock-systemd-'));
    deployment = made.deployment = await Deployment.create();
    await installPackage(join(folder, 'app'));
    machine = made.machine = await Machine.create(join(ROOT, '.interlock/systemd'), join(folder, 'root'), [
      `${folder}/app:/opt/interlock`,
    ]);
    mkdirSync(join(machine.root, 'srv/interlock'), { recursive: true });
    writeFileSync(join(machine.root, 'srv/interlock/tasks.mjs'), TASKS);
    symlinkSync('/opt/interlock/node_modules/.bin/interlock', join(machine.root, 'usr/local/bin/interlock'));
    await machine.boot();
    for (const line of commandsOf('docs/systemd.md', import.meta.url).flatMap(commandLines)) {
      if (line.startsWith('editor ')) writeEnvironment({ INTERLOCK_WORKERS: '2' });
      else await ok('sh', '-ec', line);
    }
    await deployment.healthy();
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(await machine.journal('-u', 'interlock-*'));
  });

  // Each as far as it came to be.
  after(async () => {
    await made.machine?.off();
    await made.deployment?.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  it('are active, each as the user of its own, with as many workers as the environment file says', async () => {
    expect(await states(...SERVICES, 'interlock-api', ...workers(1, 2))).to.deep.equal(Array<string>(7).fill('active'));
    expect(await states(...workers(3))).to.deep.equal(['inactive']);
    for (const unit of ['interlock-httpd', ...workers(1)]) {
      const { stdout } = await ok('ps', '-o', 'user=', '-p', await pidOf(unit));
      expect(stdout.trim(), unit).to.equal('interlock');
      const { stdout: status } = await ok('systemctl', 'show', '-p', 'StatusText', '--value', unit);
      expect(status, 'it has told systemd what it is').to.match(/slots|http/);
    }
    const { stdout } = await ok('systemctl', 'list-dependencies', '--plain', 'interlock-workers');
    for (const unit of workers(1, 2)) expect(stdout).to.include(unit);
  });

  it('are not written again when they are installed again, and print as they are', async () => {
    const { stdout } = await ok('interlock', 'systemd', 'install', '--json');
    expect(JSON.parse(stdout)).to.deep.include({ written: [] });
    const printed = await ok('interlock', 'systemd', 'print', 'interlock-beat');
    const installed = await ok('cat', '/etc/systemd/system/interlock-beat.service');
    expect(printed.stdout.trimEnd()).to.equal(installed.stdout.trimEnd());
    expect((await machine.run('interlock', 'systemd', 'print', 'httpd')).code).to.equal(2);
  });

  it('run a task', async () => {
    expect(await rested(await submit(10))).to.deep.include({ state: 'completed', result: 'rested' });
  });

  for (const unit of ['interlock-httpd', 'interlock-resource-manager', 'interlock-beat', 'interlock-worker@1'])
    it(`${unit} is restarted alone, and nothing else notices`, async () => {
      const others = ['interlock-httpd', 'interlock-resource-manager', 'interlock-beat', ...workers(1, 2)].filter(
        each => each !== unit,
      );
      const before = await Promise.all([unit, ...others].map(pidOf));
      await ok('systemctl', 'restart', unit);
      const after = await Promise.all([unit, ...others].map(pidOf));
      expect(after[0]).to.not.equal(before[0]);
      expect(after.slice(1)).to.deep.equal(before.slice(1));
      await deployment.healthy();
      expect((await rested(await submit(10, { exclusive: ['r'] }))).state).to.equal('completed');
    });

  it('start a killed worker again, which takes its task up again', async () => {
    const id = await submit(3_000, { onWorkerLoss: 'requeue', exclusive: ['r'] });
    const { worker } = await until('it runs', async () => {
      const task = await deployment.task(id);
      return task.state === 'running' ? task : undefined;
    });
    const [, n] = /^worker-(\d)@/.exec(worker ?? '') ?? [];
    await ok('systemctl', 'kill', '-s', 'SIGKILL', '--kill-who=main', `interlock-worker@${n ?? ''}`);
    const task = await rested(id);
    expect(task).to.deep.include({ state: 'completed', attempt: 2 });
    expect(task.attempts[0]?.reason).to.equal('worker-lost');
    await until('it is active again', async () => (await states(`interlock-worker@${n ?? ''}`))[0] === 'active');
  });

  it('kill who is frozen, and start it again', async () => {
    writeIn('etc/systemd/system/interlock-beat.service.d/quick.conf', '[Service]\nWatchdogSec=4\n');
    await ok('systemctl', 'daemon-reload');
    await ok('systemctl', 'restart', 'interlock-beat');
    const frozen = await pidOf('interlock-beat');
    await ok('kill', '-STOP', frozen);
    await until('another one runs', async () => !['0', frozen].includes(await pidOf('interlock-beat')), { timeoutMs: 60_000 });
    const { stdout } = await ok('journalctl', '--no-pager', '-u', 'interlock-beat');
    expect(stdout).to.include('Watchdog timeout');
    await deployment.healthy();
  });

  it('let a running task end when the workers are stopped, and answer a wrong word with 2', async () => {
    const id = await submit(2_000);
    await until('it runs', async () => (await deployment.task(id)).state === 'running');
    await ok('systemctl', 'stop', 'interlock-workers');
    expect(await deployment.task(id)).to.deep.include({ state: 'completed', attempt: 1 });
    expect(await states(...workers(1, 2))).to.deep.equal(['inactive', 'inactive']);
    for (const words of [['restart'], [], ['start', 'now']]) {
      const answer = await machine.run('interlock', 'manage-workers', ...words);
      expect(answer.code, answer.stderr).to.equal(2);
      expect(answer.stderr).to.match(/start|argument/);
    }
    await ok('systemctl', 'start', 'interlock-workers');
  });

  it('change their number without touching those that stay', async () => {
    const first = await pidOf('interlock-worker@1');
    const drop = 'run/systemd/system/interlock-workers.service.d/50-workers.conf';
    writeEnvironment({ INTERLOCK_WORKERS: '3' });
    await ok('systemctl', 'reload', 'interlock-workers');
    expect(await states(...workers(1, 2, 3))).to.deep.equal(['active', 'active', 'active']);
    writeEnvironment({ INTERLOCK_WORKERS: '1' });
    await ok('systemctl', 'reload', 'interlock-workers');
    expect(await states(...workers(1, 2, 3))).to.deep.equal(['active', 'inactive', 'inactive']);
    const written = await changedAt(drop);
    await ok('systemctl', 'reload', 'interlock-workers');
    expect(await changedAt(drop), 'what says the same is not written again').to.equal(written);
    expect(await pidOf('interlock-worker@1')).to.equal(first);
    writeEnvironment({ INTERLOCK_WORKERS: '2' });
    await ok('systemctl', 'reload', 'interlock-workers');
  });

  it('do not start again and again with a wrong configuration, and say what is wrong', async () => {
    writeEnvironment({ INTERLOCK_WORKERS: '2', INTERLOCK_WORKER_SWEEP_MS: 'soon' });
    await machine.run('systemctl', 'restart', 'interlock-beat');
    await until('it has given up', async () => (await states('interlock-beat'))[0] === 'failed');
    expect(await machine.journal('-u', 'interlock-beat')).to.match(/timing\.sweepMs.*INTERLOCK_WORKER_SWEEP_MS/);
    writeEnvironment({ INTERLOCK_WORKERS: '2' });
    await ok('systemctl', 'restart', 'interlock-beat');
    await deployment.healthy();
  });

  it('lose nothing when the machine is shut down', () => survives(() => machine.off()));

  it('lose nothing when the plug is pulled', () => survives(() => machine.pullThePlug()));

  /** Tasks in every state while the machine goes down; after the next boot each ends, and the records prove it. */
  async function survives(goDown: () => Promise<void>): Promise<void> {
    const wishes = Array.from({ length: 30 }, (_, n) => ({
      onWorkerLoss: n % 2 ? 'requeue' : 'cancel',
      exclusive: [`r${n % 4}`],
    }));
    for (const wish of wishes) await submit(300, wish);
    await goDown();
    await machine.boot();
    await deployment.healthy();
    for (const id of accepted) await rested(id);
    const { body } = await deployment.request<{ items: unknown[] }>('GET', '/api/v1/tasks?limit=500');
    expect(body.items).to.have.length(accepted.length);
    const audit = await deployment.cli('audit', '--json');
    expect(JSON.parse(audit.stdout)).to.deep.include({ ok: true });
  }

  async function submit(ms: number, wish: Record<string, unknown> = {}): Promise<string> {
    const { id } = await deployment.submit({ name: 'tasks.nap', args: [ms], ...wish });
    accepted.push(id);
    return id;
  }

  const rested = (id: string): Promise<TaskView> => deployment.final(id, 120_000);
  const workers = (...numbers: number[]): string[] => numbers.map(n => `interlock-worker@${n}`);

  async function ok(...command: string[]): Promise<{ stdout: string }> {
    const answer = await machine.run(...command);
    expect(answer.code, `${command.join(' ')}: ${answer.stderr}${answer.stdout}`).to.equal(0);
    return answer;
  }

  async function states(...units: string[]): Promise<string[]> {
    return (await machine.run('systemctl', 'is-active', ...units)).stdout.trim().split('\n');
  }

  async function pidOf(unit: string): Promise<string> {
    return (await ok('systemctl', 'show', '-p', 'MainPID', '--value', unit)).stdout.trim();
  }

  async function changedAt(path: string): Promise<string> {
    return (await ok('stat', '-c', '%i %Z', `/${path}`)).stdout;
  }

  function writeIn(path: string, text: string): void {
    const file = join(machine.root, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
  }

  /** What the deployment's own tests use, as an operator would write it down. */
  function writeEnvironment(more: Record<string, string>): void {
    const { env } = deployment;
    const kept = ['MONGO_URL', 'AMQP_URL', 'AMQP_PREFIX', 'API_PORT', 'TIMING_SCALE'].map(name => `INTERLOCK_${name}`);
    const settings = { ...Object.fromEntries(kept.map(name => [name, env[name] ?? ''])), ...more };
    const lines = Object.entries({ ...settings, INTERLOCK_TASK_MODULES: '/srv/interlock/tasks.mjs' }).map(
      ([name, value]) => `${name}=${value}`,
    );
    writeIn('etc/interlock/interlock.env', `${lines.join('\n')}\n`);
    chmodSync(join(machine.root, 'etc/interlock/interlock.env'), 0o600);
  }
});

/** As an operator installs it: the packed package, in a folder of its own. */
async function installPackage(folder: string): Promise<void> {
  const packed = `${folder}-packed`;
  for (const path of [packed, folder]) mkdirSync(path, { recursive: true });
  await run('npm', ['pack', '--pack-destination', packed], { cwd: ROOT, maxBuffer: 16 * 1_048_576 });
  const [tarball = ''] = readdirSync(packed);
  await run('npm', ['install', '--prefer-offline', '--prefix', folder, join(packed, tarball)], {
    cwd: folder,
    maxBuffer: 16 * 1_048_576,
  });
}
