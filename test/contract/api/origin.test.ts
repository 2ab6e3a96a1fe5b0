import { expect } from 'chai';

import type { ApiServer } from '../../../src/api/context.js';
import { SETTINGS, openApi } from './fixture.js';
import { scriptedStore } from './scripted-store.js';

interface Heard {
  status: number;
  headers: Record<string, unknown>;
  body: { code: string; errors: { pointer: string; reason?: string }[] };
}

describe('Pages of the web', () => {
  const { store } = scriptedStore({ tokens: { any: () => Promise.resolve(false) } });
  const apps: ApiServer[] = [];
  const open = (settings: Partial<typeof SETTINGS> = {}): ApiServer => {
    const { app } = openApi(store, { settings: { ...SETTINGS, ...settings } });
    apps.push(app);
    return app;
  };
  afterEach(() => Promise.all(apps.splice(0).map(app => app.close())));

  async function ask(
    app: ApiServer,
    headers: Record<string, string>,
    method: 'GET' | 'POST' | 'OPTIONS' = 'GET',
  ): Promise<Heard> {
    const url = method === 'GET' ? '/livez' : '/api/v1/tasks';
    const answer = await app.inject({ method, url, headers });
    return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? undefined : answer.json() } as Heard;
  }
  const expectRefused = ({ status, headers, body }: Heard, header: string): void => {
    expect([status, body.code]).to.deep.equal([403, 'FORBIDDEN']);
    expect(body.errors).to.have.length(1);
    expect(body.errors[0]).to.include({ pointer: header, reason: 'origin' });
    expect(Object.keys(headers).filter(name => name.startsWith('access-control-'))).to.deep.equal([]);
  };

  for (const host of [
    'evil.example',
    'evil.example:8787',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'api',
    'evil.example.',
    ':8787',
  ])
    it(`cannot reach a loopback address under the name "${host}" (DNS rebinding)`, async () => {
      const app = open();
      for (const method of ['GET', 'POST', 'OPTIONS'] as const) expectRefused(await ask(app, { host }, method), 'host');
    });

  for (const host of ['localhost', 'LOCALHOST:1', 'localhost.', '127.0.0.1', '127.0.0.1:8787', '[::1]:8787', '192.168.1.2:9000'])
    it(`are not what calls it ${host}`, async () => expect((await ask(open(), { host })).status).to.equal(200));

  it('reach it under the names that the settings allow, and elsewhere than on a loopback address under all until some are named', async () => {
    const allowed = open({ allowedHosts: ['Tasks.example.org'] });
    expect((await ask(allowed, { host: 'tasks.example.org' })).status).to.equal(200);
    expectRefused(await ask(allowed, { host: 'example.org' }), 'host');
    expect((await ask(open({ host: '0.0.0.0' }), { host: 'any.example' })).status).to.equal(200);
    expectRefused(await ask(open({ host: '0.0.0.0', allowedHosts: ['tasks.example.org'] }), { host: 'any.example' }), 'host');
  });

  for (const origin of ['https://evil.example', 'http://localhost:3000', 'http://127.0.0.1', 'null', 'nonsense', 'file://', ''])
    it(`of the origin "${origin}" are answered nothing, also before a token is looked at`, async () => {
      const app = open({ requireTokens: 'always' });
      for (const method of ['GET', 'POST', 'OPTIONS'] as const)
        expectRefused(await ask(app, { host: '127.0.0.1:8787', origin }, method), 'origin');
    });

  it('of its own origin, or of that of a proxy that the settings name, are answered', async () => {
    expect((await ask(open(), { host: '127.0.0.1:8787', origin: 'http://127.0.0.1:8787' })).status).to.equal(200);
    const behind = open({ allowedHosts: ['tasks.example.org'] });
    expect((await ask(behind, { host: '127.0.0.1:8787', origin: 'https://tasks.example.org' })).status).to.equal(200);
    expectRefused(await ask(behind, { host: '127.0.0.1:8787', origin: 'http://localhost' }), 'origin');
  });

  it('that a browser calls foreign may follow a link, and change nothing', async () => {
    const cross = { host: 'localhost', 'sec-fetch-site': 'cross-site' };
    expect((await ask(open(), cross)).status).to.equal(200);
    expectRefused(await ask(open(), cross, 'POST'), 'sec-fetch-site');
  });

  it('get no CORS headers for a preflight of whatever origin', async () => {
    const preflight = { host: 'localhost', 'access-control-request-method': 'POST' };
    const own = await ask(open(), { ...preflight, origin: 'http://localhost' }, 'OPTIONS');
    expect(own.status).to.equal(405);
    expect(Object.keys(own.headers).filter(name => name.startsWith('access-control-'))).to.deep.equal([]);
    expectRefused(await ask(open(), { ...preflight, origin: 'https://evil.example' }, 'OPTIONS'), 'origin');
  });
});

describe('Who asks', () => {
  it('is told by the socket, whatever X-Forwarded-For says', async () => {
    const lines: string[] = [];
    const { store } = scriptedStore({ tokens: { any: () => Promise.resolve(true) } });
    const warn = (line: string, fields?: object): void => void lines.push(`${line} ${JSON.stringify(fields)}`);
    const { app } = openApi(store, { log: { ...openApi(store).app.log, warn } });
    const forwarded = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9' };
    const answer = await app.inject({ method: 'GET', url: '/api/v1/tasks', headers: forwarded, remoteAddress: '127.0.0.9' });
    expect(answer.statusCode).to.equal(401);
    expect(lines.join()).to.include('"peer":"127.0.0.9"').and.not.include('203.0.113.9');
    await app.close();
  });
});
