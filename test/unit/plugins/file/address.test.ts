import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect } from 'chai';

import { isPrivateHost, publicLookup, publicLookupBy } from '../../../../src/plugins/file/address.js';
import { Origin } from '../../../../src/plugins/file/download.js';
import { fileUrl, folderOf, refusalOf } from '../../../../src/plugins/file/origin-url.js';
import { DEFAULTS } from '../../../../src/plugins/file/settings.js';

describe('a private host', () => {
  for (const host of [
    '127.0.0.1',
    '127.255.255.254',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::7f00:1]',
    '[::7f00:1]',
    '[64:ff9b:1::a]',
    '[2001:0:7f00:1::]',
    '192.0.2.1',
    '203.0.113.1',
    '[2002:7f00:1::]',
    '[fc00::1]',
    '[fe80::1]',
    '[ff02::1]',
    'localhost',
    'localhost.',
    'app.localhost',
  ]) {
    it(`is ${host}`, () => expect(isPrivateHost(host)).to.equal(true));
  }

  for (const host of [
    '93.184.216.34',
    '172.32.0.1',
    '100.128.0.1',
    '[2606:4700::1111]',
    'example.org',
    'localhost.example.org',
    '10.example.org',
  ]) {
    it(`is not ${host}`, () => expect(isPrivateHost(host)).to.equal(false));
  }

  it('is seen through the spellings that a URL allows', () => {
    for (const spelling of [
      'http://2130706433/',
      'http://0x7f.1/',
      'http://0177.0.0.1/',
      'http://[::ffff:127.0.0.1]/',
      'http://127.1/',
      'http://１２７.0.0.1/',
    ]) {
      expect(refusalOf(spelling, { allowPrivateOrigins: false }), spelling).to.contain('private');
    }
  });
});

describe('the lookup for public origins', () => {
  it('refuses a name that leads to a private address', async () => {
    for (const all of [true, false]) {
      const { error } = await find('localhost', all);
      expect(error).to.include({ code: 'ORIGIN_REFUSED' });
      expect(error?.message).to.contain('localhost');
    }
  });

  it('gives the address that it has judged, one or all', async () => {
    expect((await find('93.184.216.34', false)).address).to.equal('93.184.216.34');
    expect((await find('93.184.216.34', true)).address).to.deep.equal([{ address: '93.184.216.34', family: 4 }]);
  });

  it('passes on that a name does not exist', async () => {
    expect((await find('no-such-host.invalid', true)).error?.code).to.be.oneOf(['ENOTFOUND', 'EAI_AGAIN']);
  });
});

describe('a name server that answers as it likes', () => {
  /** Gives one answer after the other, as a page's own name server would. */
  function lookupAmong(...answers: string[][]): { find: () => ReturnType<typeof find>; asked: () => number } {
    let asked = 0;
    const lookup = publicLookupBy((_host, _options, callback) => {
      const answer = answers[asked++] ?? [];
      callback(
        null,
        answer.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    });
    return { find: () => find('origin.example', true, lookup), asked: () => asked };
  }

  it('is asked once for a connection, which goes to what was judged; the next answer is judged again', async () => {
    const { find: look, asked } = lookupAmong(['93.184.216.34'], ['127.0.0.1']);
    expect((await look()).address).to.deep.equal([{ address: '93.184.216.34', family: 4 }]);
    expect(asked()).to.equal(1);
    expect((await look()).error).to.include({ code: 'ORIGIN_REFUSED' });
  });

  for (const hidden of ['169.254.169.254', '::1', '::ffff:10.0.0.1', '::7f00:1', 'fd00::1', '0.0.0.0'])
    it(`cannot hide ${hidden} among public addresses`, async () => {
      const { error, address } = await lookupAmong(['93.184.216.34', hidden]).find();
      expect(error).to.include({ code: 'ORIGIN_REFUSED' });
      expect(address).to.deep.equal([]);
    });
});

describe('a redirect', () => {
  it('to a private address is refused where those are not allowed', async () => {
    const asked: string[] = [];
    // What is allowed when the sync begins is taken back before the origin answers: its own address here is private, too.
    const policy = { allowPrivateOrigins: true };
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      policy.allowPrivateOrigins = false;
      response.writeHead(302, { location: '/metadata' }).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = new Origin({ ...DEFAULTS }, policy);
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a`);
    const error: unknown = await origin.get(url, new AbortController().signal).catch((reason: unknown) => reason);
    expect(error).to.include({ code: 'REDIRECT_REFUSED' });
    expect(asked).to.deep.equal(['/a']);
    await origin.close();
    server.close();
  });
});

describe('the URL of a file', () => {
  const folder = folderOf('http://example.org/mirror');

  it('stays in its folder and on its host, whatever the name', () => {
    for (const name of ['a b', 'a?b#c', '%2e%2e/x', 'http:', 'a@b:80/c', 'ü/ñ', '~x', 'a;b=c', 'user:pw@evil.org']) {
      const url = fileUrl(folder, name);
      expect(url.href, name).to.match(/^http:\/\/example\.org\/mirror\/[^?#]+$/);
      expect(url.pathname.slice('/mirror/'.length).split('/').map(decodeURIComponent).join('/')).to.equal(name);
    }
  });
});

function find(
  host: string,
  all: boolean,
  lookup = publicLookup,
): Promise<{ error: NodeJS.ErrnoException | null; address: string | LookupAddress[] }> {
  return new Promise(resolve => lookup(host, { all }, (error, address) => resolve({ error, address })));
}
