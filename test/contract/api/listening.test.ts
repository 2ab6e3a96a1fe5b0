import { once } from 'node:events';
import { request as httpRequest, Agent } from 'node:http';
import { connect } from 'node:net';

import { expect } from 'chai';

import { Api } from '../../../src/api/api.js';
import { OpenBind } from '../../../src/api/bind.js';
import type { Task } from '../../../src/core/task.js';
import { silentLog } from '../../../src/process/log.js';
import { system } from '../../../src/process/system.js';
import { newTask } from '../store/support.js';
import { until } from '../../support/wait.js';
import { SETTINGS, depsOn } from './fixture.js';
import { scriptedStore } from './scripted-store.js';

const id = '01890000-0000-7000-8000-000000000000';
const waiting: Task = { ...newTask({ id }), seq: 1, createdAt: new Date(0) };

describe('The API role', () => {
  const { store, calls } = scriptedStore({
    schedules: { now: () => Promise.resolve(new Date()) },
    tasks: { get: () => Promise.resolve(waiting), byIds: () => Promise.resolve([waiting]) },
  });
  let api: Api;
  let url: string;
  const running: Api[] = [];

  beforeEach(async () => {
    api = new Api(depsOn(store).deps);
    running.push(api);
    await api.start();
    url = api.url!;
  });
  afterEach(() => Promise.all(running.splice(0).map(each => each.stop())));

  it('listens where it says', async () => {
    expect(url).to.match(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(`${url}/livez`)).status).to.equal(200);
  });

  it('refuses to serve strangers', async () => {
    for (const behindTlsProxy of [false, true]) {
      const { deps } = depsOn(store, { settings: { ...SETTINGS, host: '0.0.0.0', behindTlsProxy } });
      const error: unknown = await new Api(deps).start().catch((reason: unknown) => reason);
      expect(error)
        .to.be.instanceOf(OpenBind)
        .with.property('message')
        .that.includes(behindTlsProxy ? 'no tokens' : 'without TLS');
    }
  });

  it('says when its port is taken, and can be stopped all the same', async () => {
    const second = new Api(depsOn(store, { settings: { ...SETTINGS, port: Number(new URL(url).port) } }).deps);
    const error: unknown = await second.start().catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'EADDRINUSE');
    await second.stop();
    expect((await fetch(`${url}/livez`)).status).to.equal(200);
  });

  it('lets those go who wait when it stops, and stops twice without harm', async () => {
    const begin = system.clock.monotonicMs();
    const answer = fetch(`${url}/api/v1/tasks/${id}`, { headers: { prefer: 'wait=60' } });
    await until('the task is waited for', () => calls.includes('tasks.byIds'));
    await Promise.all([api.stop(), api.stop()]);
    const response = await answer;
    expect([response.status, ((await response.json()) as Task).state]).to.deep.equal([200, 'waiting']);
    expect(system.clock.monotonicMs() - begin).to.be.lessThan(9_000); // neither the 60 s of the wait nor the 10 s of the stop
    const refused: unknown = await fetch(`${url}/livez`).catch((reason: unknown) => reason);
    expect(refused).to.be.instanceOf(Error);
  });

  it('does not wait for connections on which nothing was ever asked', async () => {
    const lines: string[] = [];
    const log = { ...silentLog, warn: (line: string) => void lines.push(line) };
    const own = new Api({ ...depsOn(store).deps, log });
    await own.start();
    const socket = connect(Number(new URL(own.url ?? '').port), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    await fetch(`${own.url}/livez`);
    await own.stop();
    await closed;
    expect(lines, 'the time for requests did not run out').to.deep.equal([]);
  });

  it('does not wait for connections that only stay open', async () => {
    const agent = new Agent({ keepAlive: true });
    const request = httpRequest(`${url}/livez`, { agent }).end();
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    await once(response.resume(), 'end');
    const begin = system.clock.monotonicMs();
    await api.stop();
    expect(system.clock.monotonicMs() - begin).to.be.lessThan(9_000);
    agent.destroy();
  });

  it('stops asking for a task when the client that waited for it is gone', async () => {
    calls.length = 0;
    const gone = new AbortController();
    const answer = fetch(`${url}/api/v1/tasks/${id}`, { headers: { prefer: 'wait=60' }, signal: gone.signal }).catch(
      () => undefined,
    );
    await until('the task is waited for', () => calls.includes('tasks.byIds'));
    gone.abort();
    await answer;
    let asked = -1;
    await until(
      'nobody asks any more',
      () => {
        const more = calls.length > asked;
        asked = calls.length;
        return !more;
      },
      { everyMs: 1_500 }, // a waiter asks every 500 ms
    );
  });

  it('refuses a chunked body as soon as it is too large', async () => {
    const request = httpRequest(`${url}/api/v1/tasks`, { method: 'POST', headers: { 'content-type': 'application/json' } });
    request.on('error', () => undefined); // the connection is closed while we still write
    const answered = once(request, 'response') as Promise<[{ statusCode: number }]>;
    for (let n = 0; n < 20; n++) request.write(`${n === 0 ? '{"x":"' : ''}${'x'.repeat(65_536)}`);
    const [response] = await answered;
    expect(response.statusCode).to.equal(413);
    request.destroy();
  });

  for (const [what, head, status] of [
    [
      'a length and chunks at once',
      'POST /api/v1/tasks HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a bare line feed', 'GET /livez HTTP/1.1\nHost: a\r\n\r\n', 400],
    ['nonsense', 'hello\r\n\r\n', 400],
    ['a header of 20 KiB', `GET /livez HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_480)}\r\n\r\n`, 431],
  ] as const) {
    it(`answers ${what} with a problem and closes the connection`, async () => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      let text = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      socket.write(head);
      await once(socket, 'close');
      expect(text).to.match(new RegExp(`^HTTP/1.1 ${status} `));
      expect(text).to.include('application/problem+json');
      expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n')))).to.include({ status, code: 'VALIDATION_FAILED' });
    });
  }
});
