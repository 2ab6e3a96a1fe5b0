import { expect } from 'chai';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Deployment } from '../support/deployment.js';
import { commandLines, commandsOf } from '../support/page-commands.js';
import { until } from '../support/wait.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

async function shell(command: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn('sh', ['-c', command], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

describe("backup's page, as an operator follows it", function () {
  this.timeout(300_000);
  let deployment: Deployment;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    deployment = await Deployment.create();
    await deployment.startAll();
    // The page calls the command by its name alone.
    const bin = join(deployment.directory, 'bin');
    await mkdir(bin);
    await writeFile(
      join(bin, 'interlock'),
      `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'dist/cli/interlock.js')}' "$@"\n`,
    );
    await chmod(join(bin, 'interlock'), 0o755);
    env = { ...deployment.env, PATH: `${bin}:${process.env.PATH}` };
  });
  after(() => deployment.destroy());

  const asWritten = (block: number): string[] => {
    const lines = commandLines(commandsOf('docs/backup.md', import.meta.url)[block] ?? '');
    return lines.map(line => line.replaceAll('/var/backups/interlock', join(deployment.directory, 'backups')));
  };

  it('runs a task, backs up, destroys everything, restores, and the audit is clean', async () => {
    const task = await deployment.submit({
      name: 'test.evidence',
      kwargs: { file: join(deployment.directory, 'e'), label: 'a', ms: 1 },
    });
    await deployment.final(task.id);
    const [backup = '', verify = '', restore = ''] = asWritten(0);
    for (const command of [backup, verify]) {
      const { code, stderr } = await shell(command, env);
      expect(code, `${command}\n${stderr}`).to.equal(0);
    }
    await deployment.stopAll();
    await deployment.db.dropDatabase();
    const restored = await shell(restore, env);
    expect(restored.code, restored.stderr).to.equal(0);
    for (const step of ['step 1', 'step 2', 'step 3', 'step 4', 'step 5']) expect(restored.stderr).to.include(step);
    await deployment.startAll();
    expect((await deployment.task(task.id)).state).to.equal('completed');
    expect((await shell('interlock audit', env)).code).to.equal(0);
    await deployment.stopAll();
  });

  it('and the same by the scripts for cron', async () => {
    const [backup = '', restore = ''] = asWritten(1);
    const first = await shell(backup, env);
    expect(first.code, first.stderr).to.equal(0);
    await deployment.db.dropDatabase();
    const restored = await shell(restore, env);
    expect(restored.code, restored.stderr).to.equal(0);
    expect(restored.stderr).to.match(/restoring .*interlock-\d{8}T\d{6}Z/);
    expect((await shell('interlock audit', env)).code).to.equal(0);
  });
});

describe('scripts/backup.sh and scripts/restore.sh', function () {
  this.timeout(60_000);
  let root: string;
  let folder: string;
  let env: NodeJS.ProcessEnv;

  /** What the command does instead: writes down its arguments, and makes what a backup would. */
  async function command(script: string): Promise<void> {
    await writeFile(join(root, 'interlock'), `#!/bin/sh\necho "$@" >>'${join(root, 'calls')}'\n${script}\n`);
    await chmod(join(root, 'interlock'), 0o755);
  }
  const MAKES = 'if [ "$1" = backup ]; then mkdir "$2" && echo {} >"$2/manifest.json"; fi';
  const calls = async (): Promise<string[]> => (await readFile(join(root, 'calls'), 'utf8').catch(() => '')).trim().split('\n');
  const script = (name: string, ...args: string[]): Promise<Ended> =>
    shell(`scripts/${name}.sh ${args.map(arg => `'${arg}'`).join(' ')}`, env);
  const backups = async (): Promise<string[]> => (await readdir(folder)).filter(name => name.startsWith('interlock-')).sort();
  const old = (n: number): string => join(folder, `interlock-2020010${n}T000000Z`);
  const plant = async (n: number): Promise<void> => {
    await mkdir(old(n), { recursive: true });
    await writeFile(join(old(n), 'manifest.json'), '{}');
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'interlock-scripts-'));
    folder = join(root, 'with space');
    env = { PATH: process.env.PATH, INTERLOCK: join(root, 'interlock') };
    await command(MAKES);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('are plain shell', () => {
    for (const name of ['backup', 'restore'])
      expect(spawnSync('sh', ['-n', `scripts/${name}.sh`], { cwd: ROOT }).status).to.equal(0);
  });

  it('keep as many backups as asked for, the newest, and touch nothing else', async () => {
    for (const n of [1, 2, 3, 4]) await plant(n);
    await mkdir(join(folder, 'interlock-mine'));
    await mkdir(join(folder, 'interlock-20200105T000000Z'), { recursive: true }); // no backup: it has no manifest
    await mkdir(join(folder, 'interlock-20200106T000000Z.unfinished'));
    const { code, stderr } = await script('backup', folder, '3');
    expect(code, stderr).to.equal(0);
    const [a, b, c, fresh, mine, ...rest] = await backups();
    expect([a, b, c, mine]).to.deep.equal([
      'interlock-20200103T000000Z',
      'interlock-20200104T000000Z',
      'interlock-20200105T000000Z',
      'interlock-mine',
    ]);
    expect(fresh).to.match(/^interlock-2\d{7}T\d{6}Z$/);
    expect(rest).to.deep.equal([]);
    expect((await calls())[1]).to.match(/^verify .* --checksums-only --json$/);
    expect(await readdir(folder), 'no lock').not.to.include('.lock');
  });

  for (const [what, failing] of [
    ['the backup', 'exit 6'],
    ['its check', `${MAKES}; [ "$1" = verify ] && exit 6; exit 0`],
  ] as const) {
    it(`remove no old backup when ${what} fails, and end with its code`, async () => {
      for (const n of [1, 2, 3]) await plant(n);
      await command(failing);
      expect((await script('backup', folder, '1')).code).to.equal(6);
      expect(await backups()).to.include.members([1, 2, 3].map(n => `interlock-2020010${n}T000000Z`));
      expect(await readdir(folder)).not.to.include('.lock');
    });
  }

  it('run one at a time, and take over the lock of one that was killed', async () => {
    await mkdir(join(folder, '.lock'), { recursive: true });
    await writeFile(join(folder, '.lock/pid'), String(process.pid));
    const busy = await script('backup', folder);
    expect(busy.code).to.equal(75);
    expect(busy.stderr).to.include(`pid ${process.pid}`);
    expect(await calls()).to.deep.equal(['']);
    await writeFile(join(folder, '.lock/pid'), '999999999');
    expect((await script('backup', folder)).code).to.equal(0);
    expect(await backups()).to.have.length(1);
  });

  it('hand a signal on to the command, and leave no lock', async () => {
    await command(`trap 'echo ended >>"${join(root, 'calls')}"; exit 1' TERM; while :; do sleep 0.1; done`);
    const child = spawn('sh', ['scripts/backup.sh', folder], { cwd: ROOT, env, stdio: 'ignore' });
    await until('the command runs', async () => (await calls())[0]?.startsWith('backup'));
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).to.equal(143);
    expect((await calls()).at(-1)).to.equal('ended');
    expect(await readdir(folder)).not.to.include('.lock');
  });

  it('say how they are called', async () => {
    for (const args of [[], [folder, '0'], [folder, 'many'], [folder, '1', 'more']]) {
      expect((await script('backup', ...args)).code, args.join(' ')).to.equal(2);
    }
    expect((await script('restore')).code).to.equal(2);
    expect((await script('restore', '--replace')).code).to.equal(2);
  });

  it('restore the newest backup or the one that is named, after a rehearsal', async () => {
    for (const n of [1, 2]) await plant(n);
    await mkdir(join(folder, 'interlock-20200105T000000Z')); // not whole
    expect((await script('restore', folder, '--requeue')).code).to.equal(0);
    expect(await calls()).to.deep.equal([`verify ${old(2)}`, `restore ${old(2)} --requeue`]);
    await rm(join(root, 'calls'));
    expect((await script('restore', old(1), '--settings-only')).code).to.equal(0);
    expect(await calls()).to.deep.equal([`verify ${old(1)} --checksums-only`, `restore ${old(1)} --settings-only`]);
    await command('exit 6');
    await rm(join(root, 'calls'));
    expect((await script('restore', folder)).code, 'a rehearsal that fails').to.equal(6);
    expect(await calls()).to.have.length(1);
    expect((await script('restore', root)).code, 'nothing to restore').to.equal(1);
  });
});
