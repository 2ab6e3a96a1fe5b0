import { once } from 'node:events';

import { expect } from 'chai';

import { startScript, type Running } from '../../support/command.js';
import { until } from '../../support/wait.js';

describe('A role', function () {
  this.timeout(60_000);
  const started: Running[] = [];
  afterEach(() => {
    for (const { child } of started.splice(0)) child.kill('SIGKILL');
  });

  function serving(...asked: string[]): Running {
    const running = startScript('test/support/served.ts', asked, { ipc: asked.includes('ipc') });
    started.push(running);
    return running;
  }
  const ready = (running: Running): Promise<unknown> => until('ready', () => running.stderr.includes('Ready: serving'));
  const told = (stdout: string): string[] => stdout.trim().split('\n');
  const ALL = ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'];

  it('starts in order, stops in order at the first signal, and ends with 0', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const running = serving();
      await ready(running);
      running.child.kill(signal);
      const { code, stdout, stderr } = await running.ended;
      expect(told(stdout)).to.deep.equal(ALL);
      expect(stderr).to.match(new RegExp(`${signal}: stopping[^]*Stopped`));
      expect(code).to.equal(0);
    }
  });

  it('stops the rest when one cannot be stopped, and ends with 1', async () => {
    const running = serving('fail-stop');
    await ready(running);
    running.child.kill('SIGTERM');
    const { code, stdout, stderr } = await running.ended;
    expect(told(stdout)).to.deep.equal(ALL);
    expect(stderr).to.match(/b: stopping failed[^]*cannot stop/);
    expect(code).to.equal(1);
  });

  it('abandons everything at the second signal', async () => {
    const running = serving('hang-stop');
    await ready(running);
    running.child.kill('SIGTERM');
    await until('stopping', () => running.stdout.includes('stop b'));
    const ending = until('the end', () => {
      running.child.kill('SIGINT'); // one that comes at once counts as the same wish
      return running.stdout.includes('abandon');
    });
    const [{ code, stderr }] = await Promise.all([running.ended, ending]);
    expect(stderr).to.match(/"level":"fatal"[^]*second signal/);
    expect(code).to.equal(1);
  });

  it('abandons everything when stopping takes too long, or starting never ends', async () => {
    for (const what of ['hang-stop', 'hang-start']) {
      const running = serving(what);
      await until('start of b', () => running.stdout.includes('start b'));
      if (what === 'hang-stop') await ready(running);
      running.child.kill('SIGTERM');
      const { code, stdout, stderr } = await running.ended;
      expect(stdout).to.include('abandon');
      expect(stderr).to.match(/fatal[^]*Stopping took more than 2 s/);
      expect(code).to.equal(1);
    }
  });

  it('ends with a fatal line when an error is nobody’s', async () => {
    for (const [what, message] of [
      ['reject', 'nobody handles me'],
      ['throw', 'nobody catches me'],
    ] as const) {
      const { code, stdout, stderr } = await serving(what).ended;
      expect(stderr).to.match(new RegExp(`"level":"fatal"[^\\n]*${message}`));
      expect(stdout).to.include('abandon');
      expect(code).to.equal(1);
    }
  });

  it('stops what it had started when one cannot start', async () => {
    const { code, stdout, stderr } = await serving('fail-start').ended;
    expect(told(stdout)).to.deep.equal(['start a', 'start b', 'stop a']);
    expect(stderr).to.match(/cannot start/);
    expect(code).to.equal(1);
  });

  it('tells who started it that it serves, and does not outlive it', async () => {
    const running = serving('ipc');
    const message = await new Promise(resolve => running.child.once('message', resolve));
    expect(message).to.deep.equal({ role: 'test', name: 't', detail: 'serving' });
    const exited = once(running.child, 'exit'); // after a disconnect of ours, Node has no `close` for us
    running.child.disconnect();
    const [code] = (await exited) as [number];
    await until('what it said last', () => running.stdout.includes('abandon'));
    expect(code).to.equal(1);
  });
});
