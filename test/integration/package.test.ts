import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { processesOf } from '../support/server-commands.js';
import { cleanEnvironment, type Ended } from '../support/command.js';
import { Deployment, Role, type TaskView } from '../support/deployment.js';
import { until } from '../support/wait.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc');

const TASKS = `
import { Type } from 'typebox';
import { defineTask } from 'interlock';

export const sync = defineTask({
  name: 'repository.sync',
  input: Type.Object({ repository: Type.String() }),
  resources: ({ repository }) => ({ exclusive: [\`repository:\${repository}\`] }),
  async handler({ repository }, ctx) {
    return { repository, fence: ctx.fence(\`repository:\${repository}\`) };
  },
});

export async function add(x: number, y: number) {
  return x + y;
}
`;

/** Lies where there is neither a package.json nor a node_modules. */
const FAR_TASKS = `
import { currentWorker } from 'interlock';
export const worker = (): string => currentWorker();
`;

const USE = `
import { enqueueWithReservation, runTask } from 'interlock';
import { createLab, type LabError } from 'interlock/testing';
import { add, sync } from './tasks.js';
export const right: Promise<{ repository: string; fence: number }> = runTask(sync, { repository: 'centos' });
// @ts-expect-error: the name of a repository is a string
void runTask(sync, { repository: 1 });
const lab = createLab({ tasks: [sync], start: '2026-01-01T00:00:00Z' });
export const submitted: Promise<{ id: string }> = lab.submit(sync, { repository: 'centos' }, { countdown: 60 });
export type { LabError };
// @ts-expect-error: the name of a repository is a string
void lab.submit(sync, { repository: 1 });
// @ts-expect-error: resources are strings or have an href
void enqueueWithReservation(add, [1], [1, 2]);
`;

const LIBRARY = `
import { defineTask, runTask, createClient } from 'interlock';
const twice = defineTask({ name: 'twice', handler: async ({ n }) => n * 2 });
console.log(JSON.stringify([await runTask(twice, { n: 21 }), typeof createClient]));
`;

const LAB_TEST = `
import assert from 'node:assert';
import test from 'node:test';
import { defineTask } from 'interlock';
import { createLab } from 'interlock/testing';

const twice = defineTask({ name: 'twice', handler: async ({ n }, ctx) => { await ctx.sleep(3600); return n * 2; } });

test('twice', async () => {
  const lab = createLab({ tasks: [twice] });
  const { id } = await lab.submit(twice, { n: 21 }, { countdown: 'PT1H' });
  await lab.advance('2h');
  assert.equal(await lab.result(id), 42);
});
`;

const TSCONFIG = {
  // No typings but those that come with the package. Checking all of those, too, takes half a minute on a slow machine.
  compilerOptions: {
    noEmit: true,
    skipLibCheck: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    target: 'es2023',
    module: 'nodenext',
    types: [],
  },
  files: ['tasks.ts', 'use.ts'],
};

async function run(command: string, args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<Ended> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], timeout: 180_000 });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

/** As a user's shell has it: `npm test` adds what would make npm work on the checkout. */
function shellEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(npm_(package|lifecycle)_|npm_config_(local_prefix|ignore_scripts)$|INIT_CWD$)/i;
  return Object.fromEntries(Object.entries(cleanEnvironment()).filter(([name]) => !ours.test(name)));
}

/** Files below a folder, without those of packages. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter(file => !file.startsWith('node_modules/'));
}

/** The lowest version that a range of engines takes, as a number that compares: 20.19.0 is 20019000. */
function lowest(range: string): number {
  const starts = range.split('||').map(part => {
    const [, major = 0, minor = 0, patch = 0] = /(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(part) ?? [];
    return Number(major) * 1_000_000 + Number(minor) * 1_000 + Number(patch);
  });
  return Math.min(...starts);
}

interface Lock {
  packages: Record<string, { hasInstallScript?: boolean; engines?: { node?: string } }>;
}

describe('The package, installed in an empty folder', function () {
  this.timeout(300_000);
  let deployment: Deployment;
  let app: string;
  let installed: Ended;

  before(async () => {
    deployment = await Deployment.create({ taskModules: ['./tasks.ts', '../far.ts'], env: { INTERLOCK_LOG_LEVEL: 'info' } });
    const env = shellEnvironment();
    const packed = join(deployment.directory, 'packed');
    app = join(deployment.directory, 'app');
    for (const folder of [packed, app]) await mkdir(folder);
    const pack = await run('npm', ['pack', '--pack-destination', packed], { cwd: ROOT, env });
    expect(pack.code, pack.stderr).to.equal(0);
    expect(pack.stdout + pack.stderr, 'it builds first: a fresh clone has nothing to pack').to.include(
      '> node scripts/build.mjs',
    );
    const [tarball = ''] = readdirSync(packed);
    installed = await run('npm', ['install', '--engine-strict', '--prefer-offline', join(packed, tarball)], { cwd: app, env });
    expect(installed.code, installed.stderr).to.equal(0);
    await writeFile(join(app, 'tasks.ts'), TASKS);
    await writeFile(join(deployment.directory, 'far.ts'), FAR_TASKS);
  });
  afterEach(() => {
    // Only a test that failed leaves any.
    for (const role of started.splice(0)) if (role.running) process.kill(-role.pid, 'SIGKILL');
  });
  after(() => deployment.destroy());

  const started: Role[] = [];
  /** The pids of everything that runs on behalf of the folder, whoever its parent is by now. */
  const running = (): number[] => processesOf(deployment.directory);
  const allGone = (): Promise<boolean> => until('all that it started is gone', () => running().length === 0);

  /** Without what `dev` chooses by itself. */
  function userEnvironment(): NodeJS.ProcessEnv {
    const chosen = ['INTERLOCK_WORKING_DIRECTORY', 'INTERLOCK_DATA_DIRECTORY', 'INTERLOCK_API_PORT', 'INTERLOCK_LOG_FORMAT'];
    return Object.fromEntries(Object.entries(deployment.env).filter(([name]) => !chosen.includes(name)));
  }

  function npx(...args: string[]): Promise<Ended> {
    return run('npx', ['--no-install', 'interlock', ...args], { cwd: app, env: userEnvironment() });
  }

  /** In a process group of its own, as a terminal would start it. */
  async function dev(): Promise<Role> {
    const port = new URL(deployment.url).port;
    const child = spawn('npx', ['--no-install', 'interlock', 'dev', '--port', port, '-c', '2'], {
      cwd: app,
      env: { ...userEnvironment(), PWD: app },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const role = new Role('npx interlock dev', child);
    started.push(role);
    const ready = until('dev is ready', () => role.output.includes('ready - try'), { timeoutMs: 120_000 });
    await Promise.race([ready, role.exited.then(() => Promise.reject(new Error(`It ended: ${role.output}`)))]);
    return role;
  }

  async function ran(...args: string[]): Promise<TaskView> {
    const { code, stdout, stderr } = await npx('task', 'run', ...args, '--wait', '--json');
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as TaskView;
  }

  it('holds what runs and what is read, no sources, tests or leftovers of a build', () => {
    const files = filesOf(join(app, 'node_modules/interlock'));
    const read = files.filter(file => !file.startsWith('dist/'));
    expect(read).to.have.members([
      'LICENSE',
      'README.md',
      'package.json',
      ...['default', 'custom-environment-variables', 'example.production'].map(name => `config/${name}.json`),
      ...['backup', 'restore'].map(name => `scripts/${name}.sh`),
      ...filesOf(join(ROOT, 'systemd')).map(name => `systemd/${name}`),
    ]);
    const code = files.filter(file => file.startsWith('dist/'));
    expect(code).to.include.members(['dist/cli/interlock.js', 'dist/index.js', 'dist/index.d.ts']);
    expect(code.filter(file => !/^[^.].*(\.js|\.d\.ts)$/.test(file) || basename(file).startsWith('.'))).to.deep.equal([]);
    expect(code.filter(file => /\btest\b/.test(file))).to.deep.equal([]);
  });

  it('installs without a script, native code, or a word about engines', () => {
    expect(installed.stdout + installed.stderr).to.not.match(/EBADENGINE|deprecated|gyp/i);
    const { packages } = JSON.parse(readFileSync(join(app, 'package-lock.json'), 'utf8')) as Lock;
    expect(Object.keys(packages)).to.include('node_modules/interlock/node_modules/cookie');
    expect(Object.keys(packages).filter(name => packages[name]?.hasInstallScript)).to.deep.equal([]);
    const late = Object.entries(packages).filter(([, { engines }]) => lowest(engines?.node ?? '*') > lowest('20.19.0'));
    expect(late).to.deep.equal([]);
    const native = readdirSync(join(app, 'node_modules'), { recursive: true, encoding: 'utf8' });
    expect(native.filter(file => /(\.node|binding\.gyp)$/.test(file))).to.deep.equal([]);
  });

  it('has typings that take right use and refuse wrong use', async () => {
    await writeFile(join(app, 'use.ts'), USE);
    await writeFile(join(app, 'tsconfig.json'), JSON.stringify(TSCONFIG));
    const checked = await run(process.execPath, [TSC, '-p', app], { cwd: app, env: shellEnvironment() });
    expect(checked.stdout).to.equal('');
    expect(checked.code).to.equal(0);
  });

  it('is a library for plain JavaScript', async () => {
    await writeFile(join(app, 'library.mjs'), LIBRARY);
    const { stdout, stderr } = await run(process.execPath, ['library.mjs'], { cwd: app, env: shellEnvironment() });
    expect(stdout, stderr).to.equal('[42,"function"]\n');
  });

  it('has a lab for whatever runs tests, which needs no servers and leaves nothing behind', async () => {
    await writeFile(join(app, 'lab.test.mjs'), LAB_TEST);
    const env = { PATH: process.env.PATH };
    const { code, stdout } = await run(process.execPath, ['--test', 'lab.test.mjs'], { cwd: app, env });
    expect(code, stdout).to.equal(0);
    expect(stdout).to.match(/pass 1\b/);
  });

  it("runs the user's tasks by `npx interlock dev`, and leaves nothing at Ctrl-C", async () => {
    const role = await dev();
    const sync = await ran('repository.sync', '--kwargs', '{"repository":"centos"}');
    expect(sync).to.deep.include({ state: 'completed', result: { repository: 'centos', fence: 1 } });
    expect(sync).to.deep.include({ exclusive: ['repository:centos'] });
    expect(await ran('tasks.add', '--args', '[1,2]')).to.deep.include({ state: 'completed', result: 3 });
    const { result, worker } = await ran('far.worker');
    expect(result).to.equal(worker);

    expect(running()).to.have.length.of.at.least(7); // dev, four roles, two children; npx beside them
    process.kill(-role.pid, 'SIGINT');
    await role.exited;
    await allGone();
    expect(readdirSync(join(app, '.interlock/work'))).to.deep.equal([]);
    expect(role.output).to.include('dev stopping');
  });
});
