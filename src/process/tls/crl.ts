import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { elementOf, elementsOf, isTime, readableName, timeOf } from './der.js';

/** What an authority has taken back. Its signature is checked by OpenSSL with each connection. */
export interface RevocationList {
  /** Of the authority, as bytes in hexadecimal, to be compared. */
  issuer: string;
  /** The same for people. */
  name: string;
  /** When the authority promised the next one; undefined where it promised none. */
  nextUpdate: Date | undefined;
  pem: string;
}

const INTEGER = 0x02;
const PEM = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/g;

/** All lists of a file, as PEM or as DER. Throws RangeError for what holds none, or is damaged. */
export function revocationLists(bytes: Buffer): RevocationList[] {
  const blocks = [...bytes.toString('latin1').matchAll(PEM)].map(([, base64 = '']) => Buffer.from(base64, 'base64'));
  return (blocks.length > 0 ? blocks : [bytes]).map(revocationList);
}

/** RFC 5280 section 5.1: version?, signature algorithm, issuer, thisUpdate, nextUpdate?, … */
function revocationList(der: Buffer): RevocationList {
  const [body] = elementsOf(elementOf(der).content);
  const fields = elementsOf(body?.content ?? Buffer.alloc(0));
  const [, issuer, thisUpdate, nextUpdate] = fields[0]?.tag === INTEGER ? fields.slice(1) : fields;
  if (!issuer || !thisUpdate || !isTime(thisUpdate)) throw new RangeError('no revocation list');
  return {
    issuer: issuer.whole.toString('hex'),
    name: readableName(issuer),
    nextUpdate: nextUpdate && isTime(nextUpdate) ? timeOf(nextUpdate) : undefined,
    pem: `-----BEGIN X509 CRL-----\n${der.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END X509 CRL-----\n`,
  };
}

/** As `openssl rehash` names links (`0a1b2c3d.r0`), and as authorities name files. */
const LIST = /\.(?:r\d+|crl|pem)$/i;

/** The files of a folder that should hold lists. Throws the system's error. */
export function listFiles(folder: string): string[] {
  const paths = readdirSync(folder)
    .filter(name => LIST.test(name) && !name.startsWith('.'))
    .sort()
    .map(name => join(folder, name));
  return paths.filter(path => statSync(path).isFile());
}

export function readLists(path: string): RevocationList[] {
  return revocationLists(readFileSync(path));
}
