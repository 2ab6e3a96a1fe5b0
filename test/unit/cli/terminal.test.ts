import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { barsOf } from '../../../src/cli/bars.js';
import { initialise } from '../../../src/main/init.js';
import { cliUnderTest } from '../../support/cli-against.js';
import { cleanEnvironment, COMMAND_LINE, interlock, startInterlock } from '../../support/command.js';
import { notAbandoned } from '../../support/not-abandoned.js';
import { scriptedApi, type Answer, type Heard, type ScriptedApi } from '../../support/scripted-api.js';
import { until } from '../../support/wait.js';

const ID = '0198c1f7-0000-7000-8000-000000000001';
const task = (more: object = {}): object => ({
  ...{ id: ID, name: 't.add', state: 'running', waitingFor: null, reason: null, error: null, result: null },
  ...more,
});

/** A command on a terminal of its own, with what the terminal shows so far. */
function onTerminal(
  args: string[],
  env: Record<string, string>,
): { shown: () => string; type: (keys: string) => void; code: Promise<number | null> } {
  // exec: where the shell is dash it would stay, die of the Ctrl-C that the command handles, and its end be taken for the command's.
  const line = `exec ${[process.execPath, ...COMMAND_LINE, ...args].map(word => `'${word}'`).join(' ')}`;
  const child = notAbandoned(
    spawn('script', ['-q', '-e', '-c', line, '/dev/null'], { env: cleanEnvironment(env), stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return {
    shown: () => text,
    type: keys => void child.stdin.write(keys),
    code: new Promise(resolve => child.once('close', resolve)),
  };
}

describe('The command line on a terminal', function () {
  this.timeout(60_000);
  let api: ScriptedApi;
  let ended: object | undefined;
  const canceled = (): boolean => api.heard.some(({ method, path }) => method === 'POST' && path.endsWith('/cancel'));
  beforeEach(async () => {
    ended = undefined;
    const progress = [{ code: 'f', message: 'Files', done: 1, total: 4, suffix: 'files', state: 'running' }];
    const event = `event: progress\ndata: ${JSON.stringify({ ...task(), at: 'now', progress })}\n\n`;
    api = await scriptedApi(({ method, path }: Heard): Answer => {
      if (path.endsWith('/workers/actions')) return { status: 202, body: { asked: 1, answered: 0, silent: ['w1'] } };
      if (method === 'POST') ended = task({ state: 'canceled', reason: 'user' });
      if (path.endsWith('/events')) return { headers: { 'content-type': 'text/event-stream' }, body: event };
      return { body: ended ?? task() };
    });
  });
  afterEach(() => api.close());

  const waiting = async (): Promise<ReturnType<typeof onTerminal>> => {
    const terminal = onTerminal(['task', 'wait', ID], { INTERLOCK_URL: api.url });
    await until('the bar', () => /Files {2}█+░+ {2}1\/4 files/.test(terminal.shown()));
    return terminal;
  };

  it('draws the progress of what it waits for; Ctrl-C asks, and c cancels', async () => {
    const terminal = await waiting();
    terminal.type('\u0003');
    await until('the question', () => terminal.shown().includes('[c] cancel it'));
    terminal.type('c\n');
    expect(await terminal.code, terminal.shown()).to.equal(4);
    expect(canceled()).to.equal(true);
  });

  it('leaves the task alone at d, and at a second Ctrl-C', async () => {
    for (const keys of ['d\n', '\u0003']) {
      const terminal = await waiting();
      terminal.type('\u0003');
      await until('the question', () => terminal.shown().includes('[c] cancel it'));
      terminal.type(keys);
      expect(await terminal.code, terminal.shown()).to.equal(130);
      expect(terminal.shown()).to.include('The task goes on');
      expect(canceled()).to.equal(false);
    }
  });

  it('asks before what cannot be undone, and does nothing at anything but yes', async () => {
    for (const [keys, code, done] of [
      ['n\n', 1, false],
      ['y\n', 0, true],
    ] as const) {
      const terminal = onTerminal(['workers', 'shutdown', '--all', '--no-wait'], { INTERLOCK_URL: api.url });
      await until('the question', () => terminal.shown().includes('Go on? [y/N]'));
      terminal.type(keys);
      expect(await terminal.code, terminal.shown()).to.equal(code);
      expect(api.heard.some(({ method }) => method === 'POST')).to.equal(done);
    }
  });

  it('redraws what it watches until Ctrl-C, which is an ordinary end', async () => {
    const terminal = onTerminal(['task', 'show', ID], { INTERLOCK_URL: api.url });
    expect(await terminal.code).to.equal(0);
    const watching = onTerminal(['queue', 'list', '--watch', '0.2'], { INTERLOCK_URL: api.url });
    ended = { items: [{ name: 'default', messages: 0, consumers: 1, waiting: 3, oldest: null }] };
    await until('three looks', () => watching.shown().split('\u001b[H\u001b[J').length > 3);
    watching.type('\u0003');
    expect(await watching.code).to.equal(0);
    expect(watching.shown()).to.match(/QUEUE +WAITING[^]*default +3/);
  });

  it('gives a line of JSON for each look in a pipe', async () => {
    ended = { items: [] };
    const running = startInterlock(['queue', 'list', '--watch', '0.2'], { env: { INTERLOCK_URL: api.url } });
    await until('three lines', () => running.stdout.split('\n').length > 3);
    running.child.kill('SIGINT');
    const { code, stdout } = await running.ended;
    expect(code).to.equal(0);
    for (const line of stdout.trim().split('\n')) expect(JSON.parse(line)).to.deep.equal({ items: [] });
  });
});

describe('Bars', () => {
  const bar = { code: 'c', message: 'Files', done: 10, total: 20, suffix: null, state: 'running' as const };
  it('show how far it is, whatever the numbers are, within the width of the terminal', () => {
    expect(barsOf([bar], 200)[0]).to.equal(`Files  ${'█'.repeat(15)}${'░'.repeat(15)}  10/20`);
    expect(barsOf([{ ...bar, total: null, suffix: 'MiB' }], 200)[0]).to.equal('Files  10 MiB');
    expect(barsOf([{ ...bar, done: 99 }], 200)[0])
      .to.include('█'.repeat(30))
      .and.include('99/20');
    expect(barsOf([{ ...bar, message: 'a\u001b[2J\nb', total: 0, state: 'failed' }], 200)[0]).to.equal('a [2J b  10 (failed)');
    expect(barsOf([bar], 12)[0]).to.have.length(12);
    expect(
      barsOf(
        Array.from({ length: 20 }, () => bar),
        80,
      ),
    ).to.have.length(8);
  });
});

describe('Something to begin with', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'interlock-init-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is written once and never over what is there, and says what comes next', async () => {
    writeFileSync(join(folder, 'tasks.ts'), 'mine');
    const first = await interlock(['init', 'new'], { cwd: folder });
    expect(JSON.parse(first.stdout)).to.deep.equal({
      directory: 'new',
      written: ['tasks.ts', 'config/default.json', '.gitignore'],
      kept: [],
    });
    expect(initialise(folder)).to.deep.include({ kept: ['tasks.ts'], written: ['config/default.json', '.gitignore'] });
    expect(readFileSync(join(folder, 'tasks.ts'), 'utf8')).to.equal('mine');
    expect(await interlock(['config', 'check'], { cwd: join(folder, 'new') })).to.include({ code: 0 });
    const refused = await interlock(['init', 'tasks.ts'], { cwd: folder });
    expect(refused.code).to.equal(1);
    expect(refused.stderr)
      .to.match(/cannot be written/)
      .and.not.match(/\n {4}at /);
    expect(existsSync(join(folder, 'new', 'config', 'default.json'))).to.equal(true);
  });
});

describe('Completion in bash', function () {
  this.timeout(60_000);
  const cli = cliUnderTest();

  /** What Tab gives after these words, the last of which may be the beginning of one. */
  async function after(url: string, ...words: string[]): Promise<string[]> {
    const { stdout: script } = await interlock(['completion', 'bash'], { cwd: cli.folder });
    const command = [process.execPath, ...COMMAND_LINE].map(word => `'${word}'`).join(' ');
    const file = join(cli.folder, 'complete.sh');
    const wrapper = join(cli.folder, 'interlock');
    writeFileSync(wrapper, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
    writeFileSync(
      file,
      `${script}\nCOMP_WORDS=(${[wrapper, ...words].map(word => `'${word}'`).join(' ')})\nCOMP_CWORD=${words.length}\n_interlock\nprintf '%s\\n' "\${COMPREPLY[@]}"\n`,
    );
    const child = notAbandoned(
      spawn('bash', ['--norc', file], { env: cleanEnvironment({ INTERLOCK_URL: url, XDG_CONFIG_HOME: cli.folder }) }),
    );
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await new Promise(resolve => child.once('close', resolve));
    return said.split('\n').filter(Boolean);
  }

  it('gives nouns, verbs, options and fixed words without asking anybody', async () => {
    const nobody = 'http://127.0.0.1:1';
    expect(await after(nobody, '')).to.include.members(['task', 'group', 'queue', 'doctor', 'completion']);
    expect(await after(nobody, 'sch')).to.deep.equal(['schedule']);
    expect(await after(nobody, 'task', 'ca')).to.deep.equal(['cancel']);
    expect(await after(nobody, 'task', 'run', '--ex')).to.have.members(['--exclusive', '--expires']);
    expect(await after(nobody, 'workers', 'pool', 'g')).to.deep.equal(['grow']);
    expect(await after(nobody, 'worker', '--pool', '')).to.deep.equal(['prefork', 'async']);
    expect(await after(nobody, 'task', 'show', '')).to.deep.equal([]);
  });

  it('asks the API for what a command names, and leaves out what a shell would run', async () => {
    const api = await scriptedApi(({ path }) => ({
      body: { items: path.includes('/workers') ? [{ name: 'worker@a' }, { name: '$(reboot)' }] : [{ id: ID }], next: null },
    }));
    expect(await after(api.url, 'task', 'show', '0198')).to.deep.equal([ID]);
    expect(await after(api.url, 'workers', 'pause', 'w')).to.deep.equal(['worker@a']);
    expect(api.heard).to.have.length(2);
    await api.close();
  });
});
