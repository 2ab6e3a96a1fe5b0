import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { expect } from 'chai';

import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/wait.js';

describe('the TCP proxy of the tests', () => {
  let server: Server;
  let proxy: TcpProxy;
  let heard = '';
  const clients: Socket[] = [];

  /** An echo that first names its own address, as a member of a replica set does. */
  before(async () => {
    server = createServer(socket => {
      const { port } = server.address() as AddressInfo;
      socket.on('error', () => undefined);
      socket.write(`I am 127.0.0.1:${port}. `);
      socket.on('data', chunk => {
        heard += chunk.toString();
        socket.write(chunk);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  beforeEach(async () => {
    heard = '';
    proxy = await TcpProxy.before(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, 1, { disguised: true });
  });
  afterEach(async () => {
    clients.splice(0).forEach(client => client.destroy());
    await proxy.close();
  });
  after(() => server.close());

  /** A client that has read the greeting, where one comes. */
  async function dial(greeted = true): Promise<{ socket: Socket; text: () => string; ended: () => boolean }> {
    const socket = connect(proxy.port, '127.0.0.1');
    clients.push(socket);
    let text = '';
    let ended = false;
    socket.on('data', chunk => (text += chunk.toString()));
    socket.on('error', () => (ended = true));
    socket.on('close', () => (ended = true));
    if (greeted) await until('the greeting', () => text.endsWith('. '));
    return { socket, text: () => text, ended: () => ended };
  }

  it('puts its own address where the server names its own', async () => {
    const client = await dial();
    expect(client.text()).to.equal(`I am 127.0.0.1:${proxy.port}. `);
  });

  /** Something else that goes to the server and back, past the proxy: whatever was to come through it has come by then. */
  async function roundTrip(): Promise<void> {
    const direct = connect((server.address() as AddressInfo).port, '127.0.0.1');
    clients.push(direct);
    let text = '';
    direct.on('data', chunk => (text += chunk.toString()));
    direct.write('?');
    await until('the round trip', () => text.endsWith('?'));
  }

  it('blackhole-up: what a client says waits until bytes flow again', async () => {
    const client = await dial();
    proxy.set('blackhole-up');
    client.socket.write('hello');
    await roundTrip();
    expect(heard).to.equal('?');
    proxy.set('pass');
    await until('the answer', () => client.text().endsWith('hello'));
  });

  it('blackhole-down: what a client says is heard, and the answer waits until bytes flow again', async () => {
    const client = await dial();
    proxy.set('blackhole-down');
    client.socket.write('hello');
    await until('the server to hear it', () => heard === 'hello');
    await roundTrip();
    expect(client.text()).not.to.include('hello');
    proxy.set('pass');
    await until('the answer', () => client.text().endsWith('hello'));
  });

  it('keeps the order of what it delays and slices', async () => {
    const client = await dial();
    proxy.set('delay', 20);
    client.socket.write('a'.repeat(1_000));
    await until('the first to be under way', () => heard.length > 0);
    proxy.set('slice');
    client.socket.write('b'.repeat(1_000));
    await until('the second to be under way', () => heard.includes('b'));
    proxy.set('pass');
    client.socket.write('c');
    await until('all of it', () => client.text().endsWith(`${'a'.repeat(1_000)}${'b'.repeat(1_000)}c`));
  });

  it('rejects new connections and keeps the present ones', async () => {
    const client = await dial();
    proxy.set('reject');
    const late = await dial(false);
    await until('the reset', late.ended);
    client.socket.write('still here');
    await until('the answer', () => client.text().endsWith('still here'));
  });

  it('lets a question through and drops its answer', async () => {
    const client = await dial();
    proxy.dropReplies(1, 10);
    client.socket.write('lost');
    await until('the reset', client.ended);
    expect(heard).to.equal('lost');
    expect(client.text()).not.to.include('lost');
    expect(proxy.dropsLeft).to.equal(0);
    const next = await dial();
    next.socket.write('answered');
    await until('the answer', () => next.text().endsWith('answered'));
  });
});
