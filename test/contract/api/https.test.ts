import { once } from 'node:events';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';

import { expect } from 'chai';

import { Api } from '../../../src/api/api.js';
import { createClient } from '../../../src/client/client.js';
import { readClientTls } from '../../../src/client/tls.js';
import { silentLog } from '../../../src/process/log.js';
import { LiveTls } from '../../../src/process/tls/live-tls.js';
import { TestAuthority, type Certified } from '../../support/certificates.js';
import { interlock } from '../../support/command.js';
import { TlsFolder } from '../../support/tls-files.js';
import { until } from '../../support/wait.js';
import { depsOn } from './fixture.js';
import { scriptedStore } from './scripted-store.js';

describe('The API over TLS', () => {
  const { store } = scriptedStore({ tasks: { get: () => Promise.resolve(undefined) } });
  let folder: TlsFolder;
  let lines: string[];
  const running: Api[] = [];

  beforeEach(() => {
    folder = new TlsFolder();
    folder.issue('api', { hosts: true });
    lines = [];
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map(api => api.stop()));
    folder.remove();
  });

  async function start(clients: 'any' | 'certified' = 'any'): Promise<{ port: number; tls: LiveTls; url: string }> {
    const files = folder.files('api', clients === 'any' ? { caFile: null, crlFile: null } : {});
    const tls = new LiveTls('api', files, new Date());
    const log = { ...silentLog, warn: (line: string) => void lines.push(line) };
    const api = new Api({ ...depsOn(store, { log }).deps, tls });
    running.push(api);
    await api.start();
    return { port: Number(new URL(api.url!).port), tls, url: api.url! };
  }

  function get(port: number, options: RequestOptions = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const all = { host: '127.0.0.1', port, path: '/livez', ca: folder.authority.ca, agent: false, ...options };
      httpsRequest(all, response => void response.resume().once('end', () => resolve(response.statusCode ?? 0)))
        .once('error', reject)
        .end();
    });
  }
  const codeOf = (answer: Promise<unknown>): Promise<string> =>
    answer.then(
      status => `answered ${String(status)}`,
      (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error),
    );

  it('answers with its certificate, at an address that says https', async () => {
    const { port, url } = await start();
    expect(url).to.match(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(await get(port)).to.equal(200);
    expect(await codeOf(get(port, { ca: new TestAuthority().ca }))).to.match(/UNABLE_TO_VERIFY|SELF_SIGNED/);
  });

  it('is what the client of the package talks to, with the authority it is given', async () => {
    const { url } = await start();
    const id = '01890000-0000-7000-8000-000000000000';
    expect(await codeOf(createClient({ url, tls: { ca: folder.authority.ca } }).get(id))).to.equal('MISSING_RESOURCE');
    const stranger: unknown = await createClient({ url })
      .get(id)
      .catch((error: unknown) => error);
    expect(String(stranger)).to.include('INTERLOCK_CA_FILE');
  });

  it('speaks nothing older than TLS 1.2', async () => {
    const { port } = await start();
    const old = connect({
      host: '127.0.0.1',
      port,
      ca: folder.authority.ca,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const [error] = (await once(old, 'error')) as [Error];
    expect(error.message).to.match(/alert protocol version|unsupported protocol/i);
    const fresh = connect({ host: '127.0.0.1', port, ca: folder.authority.ca, maxVersion: 'TLSv1.2' });
    await once(fresh, 'secureConnect');
    fresh.destroy();
  });

  it('answers nothing to plain HTTP', async () => {
    const { port } = await start();
    const socket = connectTcp(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.write('GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await once(socket, 'close');
    expect(text).to.not.include('HTTP/1.1 200').and.not.include('ok');
  });

  it('shows a certificate that was replaced to every later connection, and keeps the old one where the new one is no good', async () => {
    const { port, tls } = await start();
    const shown = async (): Promise<string> => {
      const socket = connect({ host: '127.0.0.1', port, ca: folder.authority.ca });
      await once(socket, 'secureConnect');
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const first = await shown();
    folder.put('api.pem', folder.authority.issue('api', { hosts: true }).cert);
    expect(() => tls.reread(new Date())).to.throw(/is not the key/);
    expect(await shown()).to.equal(first);
    folder.issue('api', { hosts: true });
    expect(tls.reread(new Date())).to.equal(true);
    expect(await shown()).to.not.equal(first);
    expect(tls.reread(new Date()), 'nothing new').to.equal(false);
  });

  describe('where clients have to show a certificate', () => {
    it('answers those of its authority alone', async () => {
      const { port } = await start('certified');
      expect(await get(port, folder.authority.issue('client'))).to.equal(200);
      for (const options of [
        {},
        new TestAuthority().issue('stranger'),
        folder.authority.issue('old', { to: new Date(Date.now() - 60_000) }),
      ])
        expect(await codeOf(get(port, options))).to.not.match(/^answered/);
      expect(lines.join('\n')).to.match(/refused by TLS: (UNABLE|SELF|DEPTH|CERT|ERR_SSL|unable)/i);
    });

    it('answers the client of the package and the command line, which show theirs', async () => {
      const { url } = await start('certified');
      folder.issue('client');
      const tls = readClientTls({
        caFile: folder.file('ca.pem'),
        certificateFile: folder.file('client.pem'),
        keyFile: folder.file('client.key'),
      })!;
      const id = '01890000-0000-7000-8000-000000000000';
      expect(await codeOf(createClient({ url, tls }).get(id))).to.equal('MISSING_RESOURCE');
      const certified = {
        INTERLOCK_CA_FILE: folder.file('ca.pem'),
        INTERLOCK_CLIENT_CERTIFICATE_FILE: folder.file('client.pem'),
        INTERLOCK_CLIENT_KEY_FILE: folder.file('client.key'),
      };
      const known = await interlock(['task', 'show', id, '--url', url], { cwd: folder.path, env: certified });
      expect(known.stderr).to.equal(`Task ${id} does not exist. (MISSING_RESOURCE)\n`);
      const stranger = await interlock(['task', 'show', id, '--url', url], {
        cwd: folder.path,
        env: { INTERLOCK_CA_FILE: folder.file('ca.pem') },
      });
      expect(stranger.code).to.equal(6);
      expect(stranger.stderr).to.include('INTERLOCK_CLIENT_CERTIFICATE_FILE');
    });

    it('refuses a certificate that was revoked, without a restart', async () => {
      const { port, tls } = await start('certified');
      const client = folder.authority.issue('client');
      expect(await get(port, client)).to.equal(200);
      folder.authority.revoke(client);
      folder.publishCrl();
      expect(await get(port, client), 'not read yet').to.equal(200);
      tls.reread(new Date());
      expect(await codeOf(get(port, client))).to.not.match(/^answered/);
      expect(await get(port, folder.authority.issue('another'))).to.equal(200);
      await until('the log tells why', () => lines.join('\n').includes('CERT_REVOKED'));
    });

    it('refuses everybody once its revocation list has expired, until there is a new one', async () => {
      const next = new Date(Date.now() + 2_000);
      folder.publishCrl(next);
      const { port, tls } = await start('certified');
      const client = folder.authority.issue('client');
      await until('the list has expired', async () => /^(?!answered)/.test(await codeOf(get(port, client))));
      expect(Date.now()).to.be.at.least(Math.floor(next.getTime() / 1_000) * 1_000);
      expect(() => tls.reread(new Date())).to.throw(/revocation list .* has expired/);
      folder.publishCrl();
      tls.reread(new Date());
      expect(await get(port, client)).to.equal(200);
    });

    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      it(`lets nobody in by a session of before its certificate ended (${version})`, async () => {
        const { port } = await start('certified');
        const client = folder.authority.issue('client', { to: new Date(Date.now() + 3_000) });
        const versions = { minVersion: version, maxVersion: version };
        const session = await sessionOf(port, client, versions);
        await until('the certificate has ended', async () =>
          /^(?!answered)/.test(await codeOf(get(port, { ...client, ...versions }))),
        );
        expect(await codeOf(get(port, { ...client, ...versions, ...(session && { session }) }))).to.not.match(/^answered/);
      });
    }
  });

  /** As a client keeps it to come back sooner. */
  async function sessionOf(port: number, client: Certified, options: ConnectionOptions): Promise<Buffer | undefined> {
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca: folder.authority.ca, ...client, ...options });
    let session: Buffer | undefined;
    socket.on('session', (given: Buffer) => (session = given));
    socket.write('GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
    socket.resume();
    await once(socket, 'close');
    return session ?? socket.getSession();
  }
});
