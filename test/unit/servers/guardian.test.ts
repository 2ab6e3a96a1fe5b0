import { expect } from 'chai';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sight } from '../../../src/servers/processes/identity.js';
import { sweepRunFolders } from '../../../src/servers/processes/run-folder.js';
import { until } from '../../support/wait.js';
import { startOwner, type Owner } from './owners.js';
import { scratchFolder } from './scratch.js';

describe('servers of a command that ends', function () {
  this.timeout(30_000);
  let owner: Owner;
  let scratch: ReturnType<typeof scratchFolder>;
  beforeEach(() => (scratch = scratchFolder()));
  afterEach(() => {
    owner.process.kill('SIGKILL');
    scratch.remove();
  });

  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
    it(`end with it and leave no folder after ${signal}`, async () => {
      owner = await startOwner(scratch.path);
      expect(sight(owner.server)).to.equal('alive');
      owner.process.kill(signal);
      await until('the server has ended', () => sight(owner.server) !== 'alive');
      await until('the folder is gone', () => !existsSync(owner.folder));
      await until('the guardian has left', () => sight(owner.guardian) !== 'alive');
    });
  }

  it('end with it when it just ends without stopping them', async () => {
    owner = await startOwner(scratch.path);
    owner.process.stdin!.end();
    await once(owner.process, 'exit');
    await until('the server has ended', () => sight(owner.server) !== 'alive');
  });

  it('get TERM and time to end in order where that is asked for', async () => {
    const log = join(scratch.path, 'word');
    owner = await startOwner(
      join(scratch.path, 'run'),
      10_000,
      `trap 'echo in order > "${log}"; exit' TERM; while :; do sleep 0.05; done`,
    );
    owner.process.kill('SIGKILL');
    await until('the server has ended', () => sight(owner.server) !== 'alive');
    expect(readFileSync(log, 'utf8')).to.equal('in order\n');
  });

  it('get KILL when TERM is not enough, also when they were stopped', async () => {
    owner = await startOwner(scratch.path, 300, "trap '' TERM; while :; do sleep 0.05; done");
    process.kill(-owner.server.pid, 'SIGSTOP');
    owner.process.kill('SIGKILL');
    await until('the server has ended', () => sight(owner.server) !== 'alive');
    await until('the folder is gone', () => !existsSync(owner.folder));
  });

  it('are ended by the next start when the guardian was killed too', async () => {
    owner = await startOwner(scratch.path);
    process.kill(owner.guardian.pid, 'SIGKILL');
    await until('the guardian is gone', () => sight(owner.guardian) !== 'alive');
    owner.process.kill('SIGKILL');
    await once(owner.process, 'exit');
    expect(sight(owner.server)).to.equal('alive');
    expect(await sweepRunFolders(scratch.path)).to.have.length(1);
    await until('the server has ended', () => sight(owner.server) !== 'alive');
    expect(readdirSync(scratch.path)).to.deep.equal([]);
  });
});
