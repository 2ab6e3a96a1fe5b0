import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { Api } from '../../../src/api/api.js';
import { until } from '../../support/wait.js';
import { SETTINGS, depsOn } from './fixture.js';
import { scriptedStore } from './scripted-store.js';

describe('Slow clients', () => {
  const { store } = scriptedStore({ tokens: { any: () => Promise.resolve(false) } });
  const sockets: Socket[] = [];
  let api: Api;
  let port: number;

  async function start(limits: { requestMs?: number; silenceMs?: number; maxConnections?: number }): Promise<void> {
    const { maxConnections = 2_000, requestMs = 30_000, silenceMs = 90_000 } = limits;
    const patience = { requestMs, silenceMs, checkMs: 100 };
    api = new Api({ ...depsOn(store, { settings: { ...SETTINGS, maxConnections } }).deps, patience });
    await api.start();
    port = Number(new URL(api.url!).port);
  }
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await api.stop();
  });

  async function dial(): Promise<{ socket: Socket; heard: () => string; closed: () => boolean }> {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    let text = '';
    let closed = false;
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => undefined).on('close', () => (closed = true));
    await once(socket, 'connect');
    return { socket, heard: () => text, closed: () => closed };
  }
  const alive = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/livez`)).status;

  for (const [title, head, drop] of [
    ['a header', 'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n', 'X-A: b\r\n'],
    [
      'a body',
      'POST /api/v1/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n\r\n',
      ' ',
    ],
    [
      'a chunked body',
      'POST /api/v1/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
      '1\r\n \r\n',
    ],
  ] as const)
    it(`that send ${title} drop by drop are answered 408 and cut off; others are served meanwhile`, async () => {
      await start({ requestMs: 1_000 });
      const { socket, heard, closed } = await dial();
      socket.write(head);
      let answered = 0;
      while (!closed()) {
        if (socket.writable) socket.write(drop);
        if ((await alive()) === 200) answered += 1;
        await sleep(50); // the pace of the drops
      }
      expect(heard())
        .to.match(/^HTTP\/1\.1 408 /)
        .and.include('REQUEST_TIMEOUT');
      expect(answered).to.be.greaterThan(0);
    });

  it('that open a connection and say nothing are cut off', async () => {
    await start({ silenceMs: 500 });
    const idle = await Promise.all(Array.from({ length: 50 }, dial));
    await until('all are gone', () => idle.every(({ closed }) => closed()));
  });

  it('that hold all connections let others in as soon as they are gone; what is above the limit is closed at once', async () => {
    await start({ maxConnections: 20 });
    const held = await Promise.all(Array.from({ length: 20 }, dial));
    const surplus = await dial();
    await until('it is closed', () => surplus.closed());
    expect(held.some(({ closed }) => closed())).to.equal(false);
    for (const { socket } of held) socket.destroy();
    await until('somebody else is served', async () => (await alive().catch(() => 0)) === 200);
  });
});
