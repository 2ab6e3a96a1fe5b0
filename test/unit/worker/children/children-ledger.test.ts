import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';

import { expect } from 'chai';

import { identify, isGone, provedGone, startTicksOf } from '../../../../src/process/identity.js';
import { ChildrenLedger, killLeftovers, leftoversOf } from '../../../../src/worker/children/children-ledger.js';
import { MARKER, type ChildIdentity } from '../../../../src/worker/children/remains.js';
import { until } from '../../../support/wait.js';

describe('The ledger of children', function () {
  this.timeout(30_000);
  const directory = mkdtempSync(path.join(tmpdir(), 'interlock-ledger-'));
  const ledger = new ChildrenLedger(directory);
  const started: ChildProcess[] = [];

  before(() => ledger.create());
  after(() => {
    for (const child of started) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const sleeper = (marker: string): ChildIdentity => {
    const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore', env: { [MARKER]: marker } });
    started.push(child);
    return { pid: child.pid!, startTicks: startTicksOf(child.pid!)!, marker };
  };

  it('names who lives, and kills them and nobody else', async () => {
    const [mine, other] = [sleeper('mine'), sleeper('other')];
    ledger.record(mine);
    expect(leftoversOf(directory)).to.have.length(1);
    await killLeftovers(directory);
    expect(isGone(mine.pid, mine.startTicks)).to.equal(true);
    expect(isGone(other.pid, other.startTicks)).to.equal(false);
    expect(readdirSync(path.join(directory, 'children'))).to.deep.equal([]);
  });

  it('spares a process whose pid was used again, and entries of another boot or namespace', async () => {
    const living = sleeper('living');
    ledger.record({ pid: living.pid, startTicks: living.startTicks - 1, marker: 'dead' });
    const entry = (name: string, change: object): void =>
      writeFileSync(path.join(directory, 'children', name), JSON.stringify({ ...identify(), ...living, ...change }));
    entry('boot', { bootId: 'another' });
    entry('namespace', { pidNamespace: 'pid:[1]' });
    writeFileSync(path.join(directory, 'children', 'torn'), '{"pid":1');
    expect(leftoversOf(directory)).to.deep.equal([]);
    await killLeftovers(directory);
    expect(isGone(living.pid, living.startTicks)).to.equal(false);
  });

  it('finds what a dead child started, by its marker', async () => {
    const script = `${JSON.stringify(process.execPath)} -e "require('child_process').spawn('sleep',['600'],{detached:true,stdio:'ignore'}).unref()"`;
    const child = spawn('sh', ['-c', script], {
      detached: true,
      stdio: 'ignore',
      env: { [MARKER]: 'gone', PATH: process.env.PATH },
    });
    const identity = { pid: child.pid!, startTicks: startTicksOf(child.pid!)!, marker: 'gone' };
    await once(child, 'exit');
    ledger.record(identity);
    await until('the orphan to be found', () => leftoversOf(directory).length === 1);
    await killLeftovers(directory);
    expect(leftoversOf(directory)).to.deep.equal([]);
  });

  it('is empty where there is no directory', async () => {
    await killLeftovers(path.join(directory, 'nowhere'));
    expect(leftoversOf(path.join(directory, 'nowhere'))).to.deep.equal([]);
  });
});

describe('The identity of a process', () => {
  const started: ChildProcess[] = [];
  after(() => {
    for (const child of started) child.kill('SIGKILL');
  });

  it('proves nothing of another machine or namespace, and not that a living one is dead', () => {
    const self = identify();
    expect(provedGone(self)).to.equal(false);
    expect(provedGone({ ...self, startTicks: self.startTicks - 1 })).to.equal(true);
    expect(provedGone({ ...self, startTicks: 1, bootId: 'another' })).to.equal(false);
    expect(provedGone({ ...self, startTicks: 1, pidNamespace: 'pid:[1]' })).to.equal(false);
  });

  it('takes a zombie for dead', async () => {
    // The shell starts a child, and becomes a program that never waits for it; only then may the child end, or the shell might reap it.
    const parent = spawn('sh', ['-c', 'cat <&3 3<&- & echo $!; exec sleep 600 3<&-'], {
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    });
    started.push(parent);
    const [, stdout, , input] = parent.stdio as unknown as [null, Readable, null, Writable];
    const [line] = (await once(stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await until('the shell to be gone', () => readlinkSync(`/proc/${parent.pid}/exe`).endsWith('/sleep'));
    const startTicks = startTicksOf(pid)!;
    expect(isGone(pid, startTicks)).to.equal(false);
    input.destroy();
    await until('it to be a zombie', () => isGone(pid, startTicks));
    expect(startTicksOf(pid)).to.equal(startTicks);
  });
});
