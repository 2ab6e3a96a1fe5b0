import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { identify, nameOf, sight, type ProcessIdentity } from '../../../src/servers/processes/identity.js';
import { createRunFolder, record, removeRunFolder, sweepRunFolders } from '../../../src/servers/processes/run-folder.js';
import { until } from '../../support/wait.js';
import { endGroup, scratchFolder } from './scratch.js';

const DEAD = '1-999999999999'; // pid 1 did not start some 300 years after boot

describe('run folders', () => {
  let scratch: ReturnType<typeof scratchFolder>;
  let server: ChildProcess;
  let identity: ProcessIdentity;
  beforeEach(() => {
    scratch = scratchFolder();
    server = spawn('sleep', ['600'], { detached: true });
    identity = identify(server.pid!);
  });
  afterEach(() => {
    endGroup(server.pid!);
    scratch.remove();
  });

  it('bear the name of their owner, each its own', () => {
    const [first, second] = [createRunFolder(scratch.path), createRunFolder(scratch.path)];
    expect(basename(first.path)).to.equal(nameOf(identify(process.pid)));
    expect(basename(second.path)).to.equal(`${nameOf(identify(process.pid))}-2`);
    removeRunFolder(first);
    expect(readdirSync(scratch.path)).to.deep.equal([basename(second.path)]);
  });

  it('of a living owner are left alone', async () => {
    const folder = createRunFolder(scratch.path);
    record(folder, 'server', identity);
    expect(await sweepRunFolders(scratch.path)).to.deep.equal([]);
    expect(existsSync(folder.path)).to.equal(true);
    expect(sight(identity)).to.equal('alive');
  });

  it('of a dead owner go, and what runs in them ends', async () => {
    mkdirSync(join(scratch.path, DEAD, 'processes'), { recursive: true });
    writeFileSync(join(scratch.path, DEAD, 'processes', `server.${nameOf(identity)}`), '');
    expect(await sweepRunFolders(scratch.path)).to.deep.equal([DEAD]);
    await until('the server has ended', () => sight(identity) !== 'alive');
    expect(readdirSync(scratch.path)).to.deep.equal([]);
  });

  it('of a dead owner go without harm to a process that got a recorded pid later', async () => {
    mkdirSync(join(scratch.path, DEAD, 'processes'), { recursive: true });
    writeFileSync(join(scratch.path, DEAD, 'processes', `server.${nameOf({ ...identity, ticks: identity.ticks - 1 })}`), '');
    expect(await sweepRunFolders(scratch.path)).to.deep.equal([DEAD]);
    expect(sight(identity)).to.equal('alive');
  });

  it('of another container stay, whose pids cannot be judged from here', async () => {
    const view = (boot: string) => writeFileSync(join(scratch.path, DEAD, 'view'), `${boot} pid:[1]`);
    mkdirSync(join(scratch.path, DEAD));
    view(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
    expect(await sweepRunFolders(scratch.path), 'since the same boot').to.deep.equal([]);
    view('another-boot');
    expect(await sweepRunFolders(scratch.path), 'from before the last boot').to.deep.equal([DEAD]);
  });

  it('that were only half made are removed too, and other files are not', async () => {
    mkdirSync(join(scratch.path, DEAD));
    mkdirSync(join(scratch.path, 'something-else'));
    expect(await sweepRunFolders(scratch.path)).to.deep.equal([DEAD]);
    expect(readdirSync(scratch.path)).to.deep.equal(['something-else']);
  });
});
