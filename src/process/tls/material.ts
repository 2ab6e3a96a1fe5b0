import { createHash, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

import { listFiles, readLists, type RevocationList } from './crl.js';
import { elementOf, elementsOf, readableName } from './der.js';

/** What the settings name for one purpose; null: nothing. */
export interface TlsFiles {
  caFile: string | null;
  certificateFile: string | null;
  keyFile: string | null;
  crlFile: string | null;
  crlDirectory: string | null;
}

type Part = keyof TlsFiles;

/** One file, what is wrong with it, and what to do. Never holds a part of a key. */
export interface TlsProblem {
  part: Part;
  path: string;
  detail: string;
}

/** Files with which no connection could, or should, be made. */
export class UnsoundTls extends Error {
  readonly problems: readonly TlsProblem[];

  constructor(problems: readonly TlsProblem[]) {
    super(problems.map(({ part, path, detail }) => `${part} ${path}: ${detail}`).join('; '));
    this.name = 'UnsoundTls';
    this.problems = problems;
  }
}

/** Files that have been read and found sound. */
export interface Material {
  options: SecureContextOptions;
  /** When each of them ends. */
  ends: { path: string; what: string; at: Date }[];
  /** Tells whether anything has changed. */
  digest: string;
}

/** Older versions of TLS are broken; whoever speaks only those is refused, whatever the defaults of this Node are. */
const MIN_VERSION = 'TLSv1.2';

/** Reads everything anew and judges it by `now`. Throws UnsoundTls with all that is wrong. */
export function readMaterial(files: TlsFiles, now: Date): Material {
  const reading = new Reading(now);
  const authorities = reading.certificates('caFile', files.caFile);
  const own = reading.certificates('certificateFile', files.certificateFile);
  const key = reading.key(files, own?.[0]);
  const lists = reading.lists(files);
  if (lists && authorities) reading.covered(authorities, lists, files);
  if (reading.problems.length > 0) throw new UnsoundTls(reading.problems);
  const options: SecureContextOptions = {
    minVersion: MIN_VERSION,
    ...(authorities && { ca: authorities.map(String) }),
    ...(own && { cert: own.map(String).join('') }),
    ...(key !== undefined && { key }),
    ...(lists && { crl: lists.map(({ pem }) => pem) }),
  };
  reading.accepted(options, files);
  const text = JSON.stringify([options.ca, options.cert, options.key, options.crl]);
  return { options, ends: reading.ends, digest: createHash('sha256').update(text).digest('hex') };
}

class Reading {
  readonly problems: TlsProblem[] = [];
  readonly ends: Material['ends'] = [];
  readonly #now: Date;

  constructor(now: Date) {
    this.#now = now;
  }

  /** Of own certificates all have to be good; of authorities, which often come as a bundle, one. */
  certificates(part: 'caFile' | 'certificateFile', path: string | null): X509Certificate[] | undefined {
    const text = path === null ? undefined : this.#text(part, path);
    if (path === null || text === undefined) return undefined;
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    let found: X509Certificate[];
    try {
      found = blocks.map(block => new X509Certificate(block));
    } catch {
      this.#wrong(part, path, 'holds a damaged certificate: put an undamaged copy there');
      return undefined;
    }
    const good = found.filter(each => this.#faultOf(each) === undefined);
    const [first] = found;
    if (!first) {
      this.#wrong(part, path, 'expected a certificate as PEM text, and found none');
      return undefined;
    }
    const fault = found.map(each => this.#faultOf(each)).find(each => each !== undefined);
    if (fault !== undefined && (part === 'certificateFile' || good.length === 0)) {
      this.#wrong(part, path, fault);
      return undefined;
    }
    for (const each of good) this.ends.push({ path, what: `the certificate of ${nameOf(each)}`, at: new Date(each.validTo) });
    return good;
  }

  /** Its own file, or the one of the certificate, as MongoDB's tools like it. */
  key(files: TlsFiles, own: X509Certificate | undefined): string | undefined {
    const { certificateFile } = files;
    if (certificateFile === null) {
      if (files.keyFile !== null)
        this.#wrong('keyFile', files.keyFile, 'expected certificateFile beside it: a key alone shows nothing');
      return undefined;
    }
    const [part, path] =
      files.keyFile === null ? (['certificateFile', certificateFile] as const) : (['keyFile', files.keyFile] as const);
    const text = this.#text(part, path);
    if (text === undefined || !own) return undefined;
    const key = keyIn(text);
    if (key === undefined) {
      const where = part === 'keyFile' ? '' : ', here or in keyFile';
      this.#wrong(part, path, `expected a private key as PEM text, without a passphrase${where}`);
      return undefined;
    }
    if (own.checkPrivateKey(key)) return key.export({ type: 'pkcs8', format: 'pem' }).toString();
    this.#wrong(
      part,
      path,
      `is not the key of the first certificate of ${certificateFile}: put the two there that were made together`,
    );
    return undefined;
  }

  lists(files: TlsFiles): RevocationList[] | undefined {
    const { crlFile, crlDirectory } = files;
    if (crlFile === null && crlDirectory === null) return undefined;
    const found = [
      ...(crlFile === null ? [] : this.#listsIn('crlFile', crlFile)),
      ...(crlDirectory === null ? [] : this.#listsBelow(crlDirectory)),
    ];
    const [part, path] = crlPlace(files);
    if (files.caFile === null) this.#wrong(part, path, 'expected the certificates of the authorities beside it: it is theirs');
    return [...new Map(found.map(list => [list.pem, list])).values()];
  }

  /** OpenSSL asks for a list of every authority of a chain: what one without has issued would be refused, sound as it may be. */
  covered(authorities: readonly X509Certificate[], lists: readonly RevocationList[], files: TlsFiles): void {
    const known = new Set(lists.map(({ issuer }) => issuer));
    const [part, path] = crlPlace(files);
    if (this.problems.length > 0) return;
    for (const each of authorities) {
      if (known.has(subjectOf(each))) continue;
      this.#wrong(
        part,
        path,
        `holds no list of ${nameOf(each)}, and all that it has issued would be refused: add its list, or remove it from caFile`,
      );
    }
  }

  /** What only OpenSSL refuses, as a key that is too short. */
  accepted(options: SecureContextOptions, files: TlsFiles): void {
    try {
      createSecureContext(options);
    } catch (error) {
      const part = files.certificateFile === null ? 'caFile' : 'certificateFile';
      throw new UnsoundTls([{ part, path: files[part] ?? '', detail: `OpenSSL refuses it: ${(error as Error).message}` }]);
    }
  }

  #listsBelow(folder: string): RevocationList[] {
    try {
      const paths = listFiles(folder);
      if (paths.length === 0) this.#wrong('crlDirectory', folder, 'expected files that end in .crl, .pem or .r0, and found none');
      return paths.flatMap(path => this.#listsIn('crlDirectory', path));
    } catch (error) {
      this.#wrong('crlDirectory', folder, `expected a readable folder: ${(error as Error).message}`);
      return [];
    }
  }

  #listsIn(part: Part, path: string): RevocationList[] {
    try {
      const lists = readLists(path);
      for (const { name, nextUpdate } of lists) {
        if (!nextUpdate) continue;
        if (nextUpdate <= this.#now)
          this.#wrong(part, path, `the revocation list of ${name} has expired on ${day(nextUpdate)}: fetch its present one`);
        this.ends.push({ path, what: `the revocation list of ${name}`, at: nextUpdate });
      }
      return lists;
    } catch (error) {
      const detail =
        error instanceof RangeError
          ? 'holds no revocation list as PEM or DER'
          : `expected a readable file: ${(error as Error).message}`;
      this.#wrong(part, path, detail);
      return [];
    }
  }

  #faultOf(certificate: X509Certificate): string | undefined {
    const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
    if (to <= this.#now) return `the certificate of ${nameOf(certificate)} has expired on ${day(to)}: put a renewed one there`;
    if (from > this.#now)
      return `the certificate of ${nameOf(certificate)} is valid only from ${day(from)}: put one there that is valid now`;
    return undefined;
  }

  #text(part: Part, path: string): string | undefined {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      this.#wrong(part, path, `expected a readable file: ${(error as Error).message}`);
      return undefined;
    }
  }

  #wrong(part: Part, path: string, detail: string): void {
    this.problems.push({ part, path, detail });
  }
}

/** Where revocation lists are named, for what is wrong with all of them together. */
function crlPlace({ crlFile, crlDirectory }: TlsFiles): [Part, string] {
  return crlFile === null ? ['crlDirectory', crlDirectory ?? ''] : ['crlFile', crlFile];
}

/** The parser's error is dropped on purpose: nothing about a key may reach a log. */
function keyIn(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
}

/** RFC 5280 section 4.1: version?, serial number, algorithm, issuer, validity, subject, … */
function subjectElement(certificate: X509Certificate): ReturnType<typeof elementOf> {
  const [body] = elementsOf(elementOf(certificate.raw).content);
  const fields = elementsOf(body?.content ?? Buffer.alloc(0));
  const [, , , , subject] = fields[0]?.tag === 0xa0 ? fields.slice(1) : fields;
  if (!subject) throw new RangeError('no certificate');
  return subject;
}

function subjectOf(certificate: X509Certificate): string {
  return subjectElement(certificate).whole.toString('hex');
}

function nameOf(certificate: X509Certificate): string {
  return readableName(subjectElement(certificate));
}

function day(date: Date): string {
  return date.toISOString();
}
