import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, nameOf } from '../../../src/servers/processes/identity.js';
import { holderOf, tryLock, withLock } from '../../../src/servers/processes/lock.js';
import { SetupError } from '../../../src/servers/setup-error.js';
import { until } from '../../support/wait.js';
import { endGroup, rejection, scratchFolder } from './scratch.js';

describe('the set-up lock', () => {
  let scratch: ReturnType<typeof scratchFolder>;
  let folder: string;
  let holder: number | undefined;
  beforeEach(() => {
    scratch = scratchFolder();
    folder = join(scratch.path, 'x.lock');
  });
  afterEach(() => {
    if (holder !== undefined) endGroup(holder);
    scratch.remove();
  });

  it('is held by one at a time', () => {
    const release = tryLock(folder);
    expect(release).to.be.a('function');
    expect(tryLock(folder)).to.equal(undefined);
    expect(holderOf(folder)?.pid).to.equal(process.pid);
    release!();
    expect(tryLock(folder)).to.be.a('function');
  });

  it('is taken over from a holder that was killed', async () => {
    const child = spawn('sleep', ['600'], { detached: true });
    holder = child.pid;
    const theirs = `${nameOf(identify(child.pid!))}-1`;
    mkdirSync(folder);
    writeFileSync(join(folder, theirs), '');
    expect(tryLock(folder), 'while the holder lives').to.equal(undefined);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(tryLock(folder), 'after its end').to.be.a('function');
    expect(readdirSync(folder)).not.to.include(theirs);
  });

  it('is not taken for held when its holder’s pid was given to another process', () => {
    const self = identify(process.pid);
    tryLock(folder)!();
    writeFileSync(join(folder, `${self.pid}-${self.ticks - 1}-1`), '');
    expect(tryLock(folder)).to.be.a('function');
  });

  it('lets work of many run one after the other', async () => {
    let inside = 0;
    const most: number[] = [];
    const work = async () => {
      most.push(++inside);
      await until('a turn of the loop', () => true);
      inside--;
    };
    await Promise.all(Array.from({ length: 5 }, () => withLock(folder, 30_000, work)));
    expect(most).to.deep.equal([1, 1, 1, 1, 1]);
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('is given up on after a bound, naming the holder', async () => {
    tryLock(folder);
    const error = await rejection(withLock(folder, 100, () => Promise.resolve()));
    expect(error).to.be.instanceOf(SetupError).with.property('code', 'busy');
    expect((error as Error).message).to.include(`process ${process.pid}`);
  });
});
