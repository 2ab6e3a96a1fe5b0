import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { identify, nameOf, parseName, sight, signalGroup } from '../../../src/servers/processes/identity.js';
import { SetupError } from '../../../src/servers/setup-error.js';
import { until } from '../../support/wait.js';
import { endGroup } from './scratch.js';

describe('process identity', () => {
  const started: number[] = [];
  /** Each in a group of its own, ended after its test, whatever the test came to. */
  const start = (command: string, args: string[]) => {
    const child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(child.pid!);
    return child;
  };
  afterEach(() => started.splice(0).forEach(endGroup));

  it('tells this process from a later one with the same pid', () => {
    const self = identify(process.pid);
    expect(sight(self)).to.equal('alive');
    expect(sight({ ...self, ticks: self.ticks - 1 })).to.equal('other');
  });

  it('sees that a process is gone', async () => {
    const child = start('true', []);
    const identity = identify(child.pid!);
    await once(child, 'exit');
    expect(sight(identity)).to.equal('absent');
    expect(() => identify(child.pid!))
      .to.throw(SetupError)
      .with.property('code', 'unsupported-platform');
  });

  it('takes a zombie for ended', async () => {
    // The shell becomes a sleep that never collects the child it had.
    const parent = start('/bin/sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 600']);
    const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
    const child = identify(Number(pid.toString()));
    await until('the child is a zombie', () => sight(child) === 'ended');
  });

  it('is written into names and read back from them', () => {
    const identity = { pid: 4711, ticks: 123456 };
    expect(parseName(nameOf(identity))).to.deep.equal(identity);
    expect(parseName(`${nameOf(identity)}-2`)).to.deep.equal(identity);
    expect(parseName(`mongod.${nameOf(identity)}`)).to.deep.equal(identity);
    expect(parseName('processes')).to.equal(undefined);
  });

  it('signals a whole group, and nothing when the pid belongs to somebody else', async () => {
    const leader = start('/bin/sh', ['-c', 'sleep 600 & echo $!; wait']);
    const [pid] = (await once(leader.stdout, 'data')) as [Buffer];
    const [first, second] = [identify(leader.pid!), identify(Number(pid.toString()))];
    signalGroup({ ...first, ticks: first.ticks - 1 }, 'SIGKILL');
    expect([sight(first), sight(second)]).to.deep.equal(['alive', 'alive']);
    signalGroup(first, 'SIGKILL');
    await until('both have ended', () => sight(first) !== 'alive' && sight(second) !== 'alive');
  });

  it('still reaches a group whose leader is gone', async () => {
    const leader = start('/bin/sh', ['-c', 'sleep 600 >/dev/null 2>&1 & echo $!']);
    const identity = identify(leader.pid!);
    const [pid] = (await once(leader.stdout, 'data')) as [Buffer];
    const left = identify(Number(pid.toString()));
    await until('the leader is gone', () => sight(identity) === 'absent');
    expect(sight(left)).to.equal('alive');
    signalGroup(identity, 'SIGKILL');
    await until('the rest has ended', () => sight(left) !== 'alive');
  });
});
