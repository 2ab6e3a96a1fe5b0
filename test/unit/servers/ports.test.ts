import { expect } from 'chai';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePorts, isFree } from '../../../src/servers/processes/ports.js';

describe('free ports', () => {
  it('differ from each other and lie below those of outgoing connections', async () => {
    const ports = await freePorts(50);
    expect(new Set(ports).size).to.equal(50);
    for (const port of ports) expect(port).to.be.within(18_000, 24_999);
  });

  it('are free, and a port with a listener is not', async () => {
    const [port = 0] = await freePorts(1);
    expect(await isFree(port)).to.equal(true);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    expect(await isFree(port)).to.equal(false);
    server.close();
  });
});
