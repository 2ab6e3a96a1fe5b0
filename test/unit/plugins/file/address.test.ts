import type { LookupAddress } from 'node:dns';

import { expect } from 'chai';

import { isPrivateHost, publicLookup } from '../../../../src/plugins/file/address.js';
import { fileUrl, folderOf, refusalOf } from '../../../../src/plugins/file/origin-url.js';

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

function find(host: string, all: boolean): Promise<{ error: NodeJS.ErrnoException | null; address: string | LookupAddress[] }> {
  return new Promise(resolve => publicLookup(host, { all }, (error, address) => resolve({ error, address })));
}
