import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { readMaterial, UnsoundTls, type TlsFiles, type TlsProblem } from '../../../../src/process/tls/material.js';
import { TestAuthority } from '../../../support/certificates.js';

const NONE: TlsFiles = { caFile: null, certificateFile: null, keyFile: null, crlFile: null, crlDirectory: null };
const HOUR_MS = 3_600_000;
const ago = (ms: number): Date => new Date(Date.now() - ms);

describe('Files of TLS', () => {
  let folder: string;
  const authority = new TestAuthority();
  const own = authority.issue('interlock', { hosts: true });
  before(() => (folder = mkdtempSync(join(tmpdir(), 'interlock-tls-'))));
  after(() => rmSync(folder, { recursive: true }));

  function file(name: string, text: string | Buffer): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }
  function problems(files: Partial<TlsFiles>): readonly TlsProblem[] {
    try {
      readMaterial({ ...NONE, ...files }, new Date());
    } catch (error) {
      if (error instanceof UnsoundTls) return error.problems;
      throw error;
    }
    throw new Error('the files were accepted');
  }
  const pair = (certified = own): Partial<TlsFiles> => ({
    certificateFile: file('own.pem', certified.cert),
    keyFile: file('own.key', certified.key),
  });
  const ca = (): Partial<TlsFiles> => ({ caFile: file('ca.pem', authority.ca) });
  const der = (pem: string): Buffer => Buffer.from(pem.replaceAll(/-----.*-----|\s/g, ''), 'base64');

  it('are taken where they are sound, never with less than TLS 1.2', () => {
    const { options, ends } = readMaterial({ ...NONE, ...ca(), ...pair(), crlFile: file('a.crl', authority.crl()) }, new Date());
    expect(options).to.have.all.keys('minVersion', 'ca', 'cert', 'key', 'crl');
    expect(options.minVersion).to.equal('TLSv1.2');
    expect(ends.map(({ what }) => what)).to.deep.equal([
      `the certificate of ${authority.name}`,
      'the certificate of interlock',
      `the revocation list of ${authority.name}`,
    ]);
  });

  it('may hold certificate and key together', () => {
    const certificateFile = file('both.pem', own.key + own.cert);
    expect(readMaterial({ ...NONE, certificateFile }, new Date()).options.key).to.include('PRIVATE KEY');
  });

  for (const [title, files, part, said] of [
    [
      'an expired certificate',
      () => pair(authority.issue('old', { to: ago(HOUR_MS) })),
      'certificateFile',
      /certificate of old has expired on 20.*renewed/,
    ],
    [
      'a certificate of the future',
      () => pair(authority.issue('soon', { from: ago(-HOUR_MS) })),
      'certificateFile',
      /valid only from 20/,
    ],
    [
      'a certificate without its key',
      () => ({ certificateFile: pair().certificateFile! }),
      'certificateFile',
      /private key.*keyFile/,
    ],
    ['a key without its certificate', () => ({ keyFile: pair().keyFile! }), 'keyFile', /certificateFile beside it/],
    [
      'the key of another certificate',
      () => ({ ...pair(), keyFile: file('b.key', authority.issue('b').key) }),
      'keyFile',
      /is not the key of .*own\.pem/,
    ],
    [
      'a key that is none',
      () => ({ ...pair(), keyFile: file('c.key', 'hush') }),
      'keyFile',
      /private key as PEM text, without a passphrase/,
    ],
    [
      'an authority that has expired',
      () => ({ caFile: file('d.pem', new TestAuthority({ to: ago(HOUR_MS) }).ca) }),
      'caFile',
      /has expired/,
    ],
    ['a file of authorities that is not there', () => ({ caFile: join(folder, 'none.pem') }), 'caFile', /readable file.*ENOENT/],
    ['a file of authorities that holds none', () => ({ caFile: file('e.pem', 'hello') }), 'caFile', /found none/],
    ['a damaged authority', () => ({ caFile: file('f.pem', authority.ca.replace(/\n.{20}/, '\n')) }), 'caFile', /damaged/],
    [
      'an expired revocation list',
      () => ({ ...ca(), crlFile: file('g.crl', authority.crl(ago(HOUR_MS))) }),
      'crlFile',
      /has expired on 20.*fetch/,
    ],
    ['a revocation list that is none', () => ({ ...ca(), crlFile: file('h.crl', own.cert) }), 'crlFile', /no revocation list/],
    [
      'a revocation list that is cut off',
      () => ({ ...ca(), crlFile: file('i.crl', der(authority.crl()).subarray(0, 60)) }),
      'crlFile',
      /no revocation list/,
    ],
    ['a revocation list that is not there', () => ({ ...ca(), crlFile: join(folder, 'none.crl') }), 'crlFile', /ENOENT/],
    [
      'a revocation list without an authority',
      () => ({ crlFile: file('j.crl', authority.crl()) }),
      'crlFile',
      /authorities beside it/,
    ],
    [
      'the revocation list of another authority',
      () => ({ ...ca(), crlFile: file('k.crl', new TestAuthority().crl()) }),
      'crlFile',
      /no list of Test authority/,
    ],
    [
      'a folder without a revocation list',
      () => ({ ...ca(), crlDirectory: lists({ 'README.txt': 'hello' }) }),
      'crlDirectory',
      /found none/,
    ],
    [
      'a folder that is not there',
      () => ({ ...ca(), crlDirectory: join(folder, 'nowhere') }),
      'crlDirectory',
      /readable folder.*ENOENT/,
    ],
    [
      'a folder with an expired revocation list',
      () => ({ ...ca(), crlDirectory: lists({ 'a.pem': authority.crl(ago(HOUR_MS)) }) }),
      'crlDirectory',
      /has expired/,
    ],
  ] as [string, () => Partial<TlsFiles>, keyof TlsFiles, RegExp][]) {
    it(`are refused for ${title}, with the file and what to do`, () => {
      const found = problems(files());
      expect(found).to.have.length(1);
      expect(found[0]).to.include({ part });
      expect(found[0]!.path).to.include(folder);
      expect(found[0]!.detail).to.match(said);
      expect(JSON.stringify(found)).to.not.include('hush').and.not.include('PRIVATE KEY-');
    });
  }

  it('are all told of at once', () => {
    const parts = problems({ caFile: file('x.pem', ''), certificateFile: file('y.pem', ''), crlFile: file('z.crl', '') });
    expect(parts.map(({ part }) => part)).to.deep.equal(['caFile', 'certificateFile', 'crlFile']);
  });

  it('may be a bundle of authorities of which some have ended', () => {
    const bundle = new TestAuthority({ to: ago(HOUR_MS) }).ca + authority.ca;
    expect(readMaterial({ ...NONE, caFile: file('bundle.pem', bundle) }, new Date()).options.ca).to.have.length(1);
  });

  it('may be a folder of revocation lists, as PEM, as DER and as the links of openssl rehash', () => {
    const other = new TestAuthority();
    const crlDirectory = lists({ 'a.crl': der(authority.crl()), 'b.pem': other.crl(), '.hidden.crl': 'x', 'notes.txt': 'x' });
    symlinkSync(join(crlDirectory, 'b.pem'), join(crlDirectory, '0a1b2c3d.r0'));
    const caFile = file('two.pem', authority.ca + other.ca);
    const { options } = readMaterial({ ...NONE, caFile, crlDirectory }, new Date());
    expect(options.crl, 'the link is the same list').to.have.length(2);
  });

  function lists(files: Record<string, string | Buffer>): string {
    const directory = mkdtempSync(join(folder, 'lists-'));
    mkdirSync(join(directory, 'sub.crl'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    return directory;
  }
});
