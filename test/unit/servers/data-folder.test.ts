import { expect } from 'chai';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { claimData } from '../../../src/servers/data-folder.js';
import { createRunFolder } from '../../../src/servers/processes/run-folder.js';
import { SetupError } from '../../../src/servers/setup-error.js';
import { rejection, scratchFolder } from './scratch.js';

describe('the servers’ data', () => {
  let scratch: ReturnType<typeof scratchFolder>;
  let lines: string[];
  beforeEach(() => {
    scratch = scratchFolder();
    lines = [];
  });
  afterEach(() => scratch.remove());
  const claim = (named?: string) => claimData(named, createRunFolder(join(scratch.path, 'run')), line => lines.push(line));

  it('lies in the run folder when none is named, different each time', async () => {
    const [first, second] = [await claim(), await claim()];
    expect(first.kept).to.equal(false);
    expect(first.path).to.include(join(scratch.path, 'run'));
    expect(second.path).not.to.equal(first.path);
    expect(second.password).not.to.equal(first.password);
    expect(Object.values(first.ports)).to.have.length(4);
  });

  it('keeps its ports and its password in a named folder', async () => {
    const named = join(scratch.path, 'data');
    const first = await claim(named);
    first.release();
    const second = await claim(named);
    expect({ ...second, release: 0 }).to.deep.equal({ ...first, release: 0 });
    expect(second.kept).to.equal(true);
    expect(statSync(join(named, 'servers.json')).mode & 0o077, 'readable by others').to.equal(0);
  });

  it('is fresh for a second one that names the same folder, which is told so', async () => {
    const named = join(scratch.path, 'data');
    await claim(named);
    const second = await claim(named);
    expect(second.kept).to.equal(false);
    expect(lines[0]).to.equal(`${named} is in use by process ${process.pid}: these servers start with empty data of their own`);
  });

  it('is refused with the port’s number when another program has a port that it is bound to', async () => {
    const named = join(scratch.path, 'data');
    const first = await claim(named);
    first.release();
    const server = createServer().listen(first.ports.amqp, '127.0.0.1');
    await once(server, 'listening');
    const error = await rejection(claim(named));
    server.close();
    expect(error).to.be.instanceOf(SetupError).with.property('code', 'busy');
    expect((error as Error).message).to.include(`Port ${first.ports.amqp}`);
    expect((await claim(named)).kept, 'once the port is free').to.equal(true);
  });
});
