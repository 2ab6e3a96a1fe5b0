import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fakeProgram, scratchFolder } from './scratch.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
// The checkout's own settings, with no library to check: a compilation takes half the time.
const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as { compilerOptions: object };
const COMPILER = { ...compilerOptions, types: [], lib: ['es5'] };
const LATER = new Date(Date.now() + 60_000);

describe('building a checkout', function () {
  this.timeout(120_000);
  let scratch: ReturnType<typeof scratchFolder>;
  let root: string;
  beforeEach(() => {
    scratch = scratchFolder();
    root = join(scratch.path, 'checkout');
    mkdirSync(join(root, 'src', 'cli'), { recursive: true });
    cpSync(join(ROOT, 'scripts'), join(root, 'scripts'), { recursive: true });
    writeFileSync(join(root, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER, include: ['src'] }));
    for (const name of ['package.json', 'package-lock.json']) writeFileSync(join(root, name), '{"type":"module"}');
    utimesSync(join(root, 'package-lock.json'), 1, 1); // older than what is installed
    symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
    fakeProgram(join(scratch.path, 'bin'), 'npm', 'echo "npm $*" >> "$NPM_CALLS"; exit 1');
    write(
      'cli/interlock.ts',
      "#!/usr/bin/env node\ndeclare const process: any;\nprocess.stdout.write(process.argv.slice(2).join(' ') + ' ' + String(process.pid));\n",
    );
  });
  afterEach(() => scratch.remove());

  const write = (name: string, text: string) => writeFileSync(join(root, 'src', name), text);
  const npmCalls = () => join(scratch.path, 'npm-calls');
  const run = async (file: string, ...args: string[]) => {
    const env = { ...process.env, PATH: `${join(scratch.path, 'bin')}:${process.env.PATH ?? ''}`, NPM_CALLS: npmCalls() };
    const child = spawn(join(root, 'scripts', file), args, { env });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out, err, pid: child.pid };
  };

  it('compiles once, then not again until something changes, and removes what has no source', async () => {
    write('gone.ts', 'export const a = 1;\n');
    expect((await run('build.mjs')).err).to.match(/^building \.\.\.\nbuilt \(/);
    expect(statSync(join(root, 'dist/cli/interlock.js')).mode & 0o111).to.equal(0o111);
    expect(existsSync(join(root, 'dist/gone.js'))).to.equal(true);
    expect(await run('build.mjs')).to.include({ code: 0, out: '', err: '' });

    rmSync(join(root, 'src/gone.ts'));
    write('new.ts', 'export const b = 2;\n');
    expect((await run('build.mjs')).err).to.match(/^building/);
    for (const name of ['gone.js', 'gone.d.ts', 'gone.js.map'])
      expect(existsSync(join(root, 'dist', name)), name).to.equal(false);
    expect(existsSync(join(root, 'dist/new.js'))).to.equal(true);
    expect(existsSync(npmCalls())).to.equal(false);
  });

  it('makes output that was lost again', async () => {
    await run('build.mjs');
    rmSync(join(root, 'dist/cli/interlock.js'));
    await run('build.mjs');
    expect(existsSync(join(root, 'dist/cli/interlock.js'))).to.equal(true);
  });

  it('fails with the compiler’s words, and again until it is mended', async () => {
    write('wrong.ts', 'export const a: number = "x";\n');
    for (const time of ['first', 'second']) {
      const { code, err } = await run('build.mjs');
      expect(code, time).to.equal(1);
      expect(err, time).to.include('wrong.ts(1,14): error TS2322').and.include('The build failed');
    }
    write('wrong.ts', 'export const a: number = 1;\n');
    expect((await run('build.mjs')).code).to.equal(0);
  });

  it('lets commands that come at once wait for one build', async () => {
    const runs = await Promise.all([run('build.mjs'), run('build.mjs'), run('build.mjs')]);
    expect(runs.map(({ code }) => code)).to.deep.equal([0, 0, 0]);
    expect(runs.filter(({ err }) => err.includes('building'))).to.have.length(1);
  });

  it('comes before the command line, which then takes the shell’s place', async () => {
    const first = await run('interlock', 'task', 'run');
    expect(first.out).to.equal(`task run ${first.pid ?? ''}`);
    expect(first.err).to.include('building');
    expect(await run('interlock')).to.include({ code: 0, err: '' });
  });

  it('installs first when the lock file is newer than what is installed, and says what to do when that fails', async () => {
    utimesSync(join(root, 'package-lock.json'), LATER, LATER);
    const { code, err } = await run('build.mjs');
    expect(code).to.equal(1);
    expect(readFileSync(npmCalls(), 'utf8')).to.equal('npm ci --include=dev --ignore-scripts\n');
    expect(err)
      .to.include('npm ci failed')
      .and.not.match(/^\s+at /m);
  });
});
