import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

import { expect } from 'chai';

import { makeCertificates, type Certificates } from '../support/certificates.js';
import { TestProxy } from '../support/http-proxy.js';
import { LocalMirror } from '../support/local-mirror.js';
import { create, leftovers, run, type Ended } from '../support/mirror.js';
import { TestOrigin } from '../support/origin.js';

describe('how the file plugin reaches an origin', function () {
  this.timeout(60_000);
  let mirror: LocalMirror;
  let certificates: Certificates;
  let plain: TestOrigin;
  let secure: TestOrigin;
  let count = 0;

  before(async () => {
    certificates = makeCertificates();
    mirror = await LocalMirror.start();
    plain = await TestOrigin.start();
    const { ca, server } = certificates;
    secure = await TestOrigin.start({ key: server.key, cert: server.cert, ca, requestCert: true, rejectUnauthorized: true });
  });
  after(async () => {
    await mirror.stop();
    await plain.stop();
    await secure.stop();
  });

  /** Syncs a new repository with one new file. */
  async function syncFrom(origin: TestOrigin, settings: Record<string, unknown>): Promise<Ended> {
    count += 1;
    const name = `reach-${count}`;
    await create(mirror, name, { url: origin.tree(name, { 'a.txt': `${name} ${Date.now()}` }), ...settings });
    const ended = await run(mirror, name, 'sync');
    expect(await leftovers(mirror)).to.deep.equal([]);
    return ended;
  }

  function clientTls(): Record<string, string> {
    const { ca, client } = certificates;
    return { ssl_ca_cert: ca, ssl_client_cert: client.cert, ssl_client_key: client.key };
  }

  describe('over TLS', () => {
    it('trusts the authority and shows the certificate of the repository', async () => {
      expect(await syncFrom(secure, clientTls())).to.include({ state: 'completed', error: null });
    });

    it('fails with TLS_ERROR when the authority is not known', async () => {
      expect((await syncFrom(secure, { ...clientTls(), ssl_ca_cert: null })).error?.code).to.equal('TLS_ERROR');
    });

    // Node's server ends the connection without an alert, so that the client cannot know more; other servers send one.
    for (const [title, settings] of [
      ['there is none', () => ({ ssl_ca_cert: certificates.ca })],
      [
        'it is of another authority',
        (): object => {
          const { client } = makeCertificates();
          return { ssl_ca_cert: certificates.ca, ssl_client_cert: client.cert, ssl_client_key: client.key };
        },
      ],
    ] as const) {
      it(`fails, and says that it may be the client certificate, when ${title}`, async () => {
        const { error } = await syncFrom(secure, { ...settings() });
        expect(error?.code).to.be.oneOf(['ORIGIN_UNREACHABLE', 'TLS_ERROR']);
        expect(error?.message).to.contain('certificate');
      });
    }

    it('does not follow a redirect from https to http', async () => {
      secure.at('downgrade/PULP_MANIFEST', { redirect: `${plain.url}downgrade/PULP_MANIFEST` });
      await create(mirror, 'downgrade', { url: `${secure.url}downgrade/`, ...clientTls() });
      expect((await run(mirror, 'downgrade', 'sync')).error?.code).to.equal('REDIRECT_REFUSED');
    });

    it('gives up after connect_timeout when the handshake does not come', async () => {
      const silent = await listen(() => undefined);
      await create(mirror, 'silent', { url: `https://127.0.0.1:${silent.port}/`, connect_timeout: 0.5 });
      const ended = await run(mirror, 'silent', 'sync');
      expect(ended.error?.code).to.equal('ORIGIN_TIMEOUT');
      expect(ended.error?.message).to.contain('connect_timeout');
      await silent.stop();
    });
  });

  it('fails with ORIGIN_ERROR when what answers is no HTTP server', async () => {
    const rude = await listen(socket => void socket.end('220 mail.example.org ESMTP\r\n'));
    await create(mirror, 'rude', { url: `http://127.0.0.1:${rude.port}/` });
    expect((await run(mirror, 'rude', 'sync')).error?.code).to.equal('ORIGIN_ERROR');
    await rude.stop();
  });

  it('asks for files as they are, without a coding', async () => {
    await syncFrom(plain, {});
    for (const { headers } of plain.asked) expect(headers['accept-encoding']).to.equal('identity');
  });

  describe('through a proxy', () => {
    let proxy: TestProxy;
    const account = { proxy_username: 'mirror', proxy_password: 'pass:wörd' };

    before(async () => {
      proxy = await TestProxy.start('mirror:pass:wörd');
    });
    after(() => proxy.stop());

    function through(port: number, more: Record<string, unknown> = account): Record<string, unknown> {
      return { proxy_url: 'http://127.0.0.1', proxy_port: port, ...more };
    }

    it('asks for plain http with basic authentication', async () => {
      expect(await syncFrom(plain, through(proxy.port))).to.include({ state: 'completed', error: null });
      expect(proxy.passed.at(-1)).to.match(/^GET http:\/\/127\.0\.0\.1:\d+\/reach-\d+\/a\.txt$/);
    });

    it('tunnels https, with the certificates of the repository', async () => {
      expect(await syncFrom(secure, { ...through(proxy.port), ...clientTls() })).to.include({ state: 'completed', error: null });
      expect(proxy.passed.at(-1)).to.equal(`CONNECT 127.0.0.1:${secure.port}`);
    });

    it('never shows the proxy password to the origin', () => {
      for (const { headers } of [...plain.asked, ...secure.asked]) expect(headers).not.to.have.property('proxy-authorization');
    });

    for (const [scheme, origin] of [
      ['http', (): TestOrigin => plain],
      ['https', (): TestOrigin => secure],
    ] as const) {
      it(`fails with PROXY_ERROR when it refuses the password, for ${scheme}`, async () => {
        const settings = through(proxy.port, { ...account, proxy_password: 'wrong-password' });
        const ended = await syncFrom(origin(), { ...settings, ...clientTls() });
        expect(ended.error?.code).to.equal('PROXY_ERROR');
        expect(JSON.stringify(ended)).not.to.contain('wrong-password');
      });

      it(`fails with PROXY_ERROR when it is not there, for ${scheme}`, async () => {
        const gone = await TestProxy.start();
        const { port } = gone;
        await gone.stop();
        expect((await syncFrom(origin(), { ...through(port), ...clientTls() })).error?.code).to.equal('PROXY_ERROR');
      });

      it(`gives up after read_timeout when it says nothing, for ${scheme}`, async () => {
        const silent = await listen(() => undefined);
        const ended = await syncFrom(origin(), { ...through(silent.port), ...clientTls(), read_timeout: 0.3 });
        expect(ended.error?.code).to.equal('ORIGIN_TIMEOUT');
        await silent.stop();
      });
    }
  });

  describe('where private origins are not allowed', () => {
    let guarded: LocalMirror;

    before(async () => {
      guarded = await LocalMirror.start({ allowPrivateOrigins: false });
    });
    after(() => guarded.stop());

    for (const url of [
      'http://127.0.0.1/',
      'http://localhost:1/',
      'http://2130706433/',
      'http://[::1]/',
      'http://[::ffff:10.0.0.1]/',
      'http://169.254.169.254/',
    ]) {
      it(`refuses ${url} as the url and as the proxy of a repository`, async () => {
        for (const field of ['url', 'proxy_url']) {
          const settings = field === 'url' ? { url } : { url: 'http://example.org/', proxy_url: url.replace(':1/', '') };
          const reply = await guarded.request<{ code: string; errors: object[] }>('POST', '/api/v1/repositories', {
            name: 'x',
            ...settings,
          });
          expect(reply.status).to.equal(400);
          expect(reply.body.errors[0]).to.include({ pointer: `/${field}`, reason: 'url_not_allowed' });
        }
      });
    }

    it('refuses at the time of the sync what was allowed when it was set', async () => {
      const services = mirror.services;
      await create(mirror, 'once', { url: plain.tree('once', { 'a.txt': 'once' }) });
      const begin = services['file.begin']!;
      services['file.begin'] = async (input, caller) => ({
        ...((await begin(input, caller)) as object),
        allowPrivateOrigins: false,
      });
      const ended = await run(mirror, 'once', 'sync');
      services['file.begin'] = begin;
      expect(ended.error?.code).to.equal('ORIGIN_REFUSED');
    });
  });
});

/** A TCP server that does with a connection what it is told. */
async function listen(accept: (socket: Socket) => void): Promise<{ port: number; stop(): Promise<void> }> {
  const sockets: Socket[] = [];
  const server: Server = createServer(socket => {
    sockets.push(socket);
    socket.on('error', () => undefined); // the client hangs up: that is the case
    accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
