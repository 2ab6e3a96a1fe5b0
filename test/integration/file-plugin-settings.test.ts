import { expect } from 'chai';

import { makeCertificates } from '../support/certificates.js';
import { LocalMirror } from '../support/local-mirror.js';
import { create, run } from '../support/mirror.js';

const BASE = '/api/v1/repositories';

interface Problem {
  errors: { pointer: string }[];
}

describe('importer settings', function () {
  this.timeout(60_000);
  let mirror: LocalMirror;

  before(async () => {
    mirror = await LocalMirror.start();
  });
  after(() => mirror.stop());

  const { ca, client } = makeCertificates();
  const { client: other } = makeCertificates();
  for (const [title, body, pointer] of [
    ['a name with a slash', { name: 'a/b' }, '/name'],
    ['a hidden name', { name: '.a' }, '/name'],
    ['no name', {}, '/name'],
    ['a field that is not known', { name: 'a', feed: 'http://example.org/' }, '/feed'],
    ['a url that is none', { name: 'a', url: 'example.org' }, '/url'],
    ['an ftp url', { name: 'a', url: 'ftp://example.org/' }, '/url'],
    ['a local file as url', { name: 'a', url: 'file:///etc/' }, '/url'],
    ['credentials in the url', { name: 'a', url: 'http://me:secret@example.org/' }, '/url'],
    ['a query in the url', { name: 'a', url: 'http://example.org/?a=b' }, '/url'],
    ['a socks proxy', { name: 'a', proxy_url: 'socks5://proxy.example.org' }, '/proxy_url'],
    ['a port in the proxy_url', { name: 'a', proxy_url: 'http://proxy.example.org:3128' }, '/proxy_url'],
    ['a path in the proxy_url', { name: 'a', proxy_url: 'http://proxy.example.org/x' }, '/proxy_url'],
    ['credentials in the proxy_url', { name: 'a', proxy_url: 'http://me:secret@proxy.example.org' }, '/proxy_url'],
    ['a proxy_port that is none', { name: 'a', proxy_port: 65_536 }, '/proxy_port'],
    ['a proxy_port as text', { name: 'a', proxy_port: '3128' }, '/proxy_port'],
    ['a proxy_password without a name', { name: 'a', proxy_password: 'secret' }, '/proxy_username'],
    ['a colon in the proxy_username', { name: 'a', proxy_username: 'a:b' }, '/proxy_username'],
    ['a connect_timeout of 0', { name: 'a', connect_timeout: 0 }, '/connect_timeout'],
    ['a negative read_timeout', { name: 'a', read_timeout: -1 }, '/read_timeout'],
    ['a CA that is no certificate', { name: 'a', ssl_ca_cert: 'hello' }, '/ssl_ca_cert'],
    ['a client certificate without its key', { name: 'a', ssl_client_cert: client.cert }, '/ssl_client_key'],
    ['a key without its certificate', { name: 'a', ssl_client_key: client.key }, '/ssl_client_cert'],
    ['a key that is none', { name: 'a', ssl_client_cert: client.cert, ssl_client_key: ca }, '/ssl_client_key'],
    ['the key of another certificate', { name: 'a', ssl_client_cert: client.cert, ssl_client_key: other.key }, '/ssl_client_key'],
    ['stars for a secret that is not set', { name: 'a', proxy_username: 'me', proxy_password: '***' }, '/proxy_password'],
  ] as const) {
    it(`refuses ${title} with 400, and says where`, async () => {
      const reply = await mirror.request<Problem>('POST', BASE, body);
      expect(reply.status).to.equal(400);
      expect(reply.body.errors.map(error => error.pointer)).to.include(pointer);
      expect(reply.text).not.to.contain('BEGIN PRIVATE KEY');
      expect(reply.text).not.to.contain('secret@');
    });
  }

  it('never shows or logs a secret, and keeps it where stars come back', async () => {
    const secrets = { proxy_password: 'canary-proxy-password', ssl_client_key: client.key };
    const settings = {
      proxy_url: 'http://127.0.0.1',
      proxy_port: 1,
      proxy_username: 'me',
      ssl_client_cert: client.cert,
      ...secrets,
    };
    await create(mirror, 'secret', { url: 'http://127.0.0.1:1/', ...settings });
    const read = await mirror.request('GET', `${BASE}/secret`);
    expect(read.body).to.include({ proxy_password: '***', ssl_client_key: '***', proxy_username: 'me' });
    const back = {
      ...settings,
      proxy_password: read.body.proxy_password,
      ssl_client_key: read.body.ssl_client_key,
      read_timeout: 3,
    };
    const changed = await mirror.request('PATCH', `${BASE}/secret`, back);
    const listed = await mirror.request('GET', BASE);
    const ended = await run(mirror, 'secret', 'sync');
    expect(ended.error?.code).to.equal('PROXY_ERROR');
    const begun = (await mirror.services['file.begin']!({ repository: 'secret' }, mirror.caller('secret'))) as {
      settings: object;
    };
    expect(begun.settings).to.include(secrets);
    const secretLine = client.key.split('\n')[1] ?? '';
    for (const text of [read.text, changed.text, listed.text, JSON.stringify(ended), mirror.log]) {
      expect(text).not.to.contain('canary-proxy-password');
      expect(text).not.to.contain(secretLine);
    }
    expect(mirror.log).to.contain('/repositories');
  });
});
