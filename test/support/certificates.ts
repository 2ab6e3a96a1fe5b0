import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** A certificate and its private key, as PEM texts. Made for one test run, with Node alone: no key is ever stored. */
export interface Certified {
  cert: string;
  key: string;
}

export interface Certificates {
  ca: string;
  /** For 127.0.0.1 and localhost. */
  server: Certified;
  client: Certified;
}

/** One authority with a server's and a client's certificate. */
export function makeCertificates(): Certificates {
  const authority = new TestAuthority();
  return { ca: authority.ca, server: authority.issue('server', { hosts: true }), client: authority.issue('client') };
}

export interface Issuing {
  /** For 127.0.0.1 and localhost; a text: for that host alone. */
  hosts?: true | string;
  /** A day around now, unless something else is said. */
  from?: Date;
  to?: Date;
}

const DAY_MS = 86_400_000;
const fromNow = (ms: number): Date => new Date(Date.now() + ms);

/** Issues certificates, and takes them back. */
export class TestAuthority {
  readonly name: string;
  readonly ca: string;
  readonly #key: KeyObject;
  readonly #revoked: Buffer[] = [];
  readonly #serials = new Map<string, Buffer>();

  constructor(options: Pick<Issuing, 'from' | 'to'> = {}) {
    const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    this.name = `Test authority ${randomBytes(4).toString('hex')}`;
    this.#key = pair.privateKey;
    const isAuthority = extension(OID.basicConstraints, der(0x30, der(0x01, Buffer.from([0xff]))));
    this.ca = this.#certificate(this.name, pair.publicKey, [isAuthority], options);
  }

  issue(name: string, options: Issuing = {}): Certified {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const { hosts } = options;
    const extensions = hosts === undefined ? [] : [addresses(hosts)];
    const cert = this.#certificate(name, publicKey, extensions, options);
    return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }

  revoke({ cert }: Certified): void {
    const serial = this.#serials.get(cert);
    if (!serial) throw new Error('not a certificate of this authority');
    this.#revoked.push(serial);
  }

  /** What was revoked so far (RFC 5280 section 5.1), as PEM. */
  crl(next: Date = fromNow(DAY_MS)): string {
    const [now, past] = [Date.now(), next.getTime() - DAY_MS];
    const taken = this.#revoked.map(serial => der(0x30, der(0x02, serial), time(new Date(now - 1_000))));
    return this.#signed('X509 CRL', [
      der(0x30, oid(OID.ecdsaWithSha256)),
      distinguished(this.name),
      time(new Date(Math.min(now - 1_000, past))),
      time(next),
      ...(taken.length > 0 ? [der(0x30, ...taken)] : []),
    ]);
  }

  /** X.509 v3 in DER (RFC 5280 section 4.1). */
  #certificate(subject: string, publicKey: KeyObject, extensions: Buffer[], { from, to }: Issuing): string {
    const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
    const pem = this.#signed('CERTIFICATE', [
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, serial),
      der(0x30, oid(OID.ecdsaWithSha256)),
      distinguished(this.name),
      der(0x30, time(from ?? fromNow(-DAY_MS)), time(to ?? fromNow(DAY_MS))),
      distinguished(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      ...(extensions.length > 0 ? [der(0xa3, der(0x30, ...extensions))] : []),
    ]);
    this.#serials.set(pem, serial);
    return pem;
  }

  #signed(kind: string, fields: Buffer[]): string {
    const body = der(0x30, ...fields);
    const signature = sign('sha256', body, this.#key);
    const whole = der(0x30, body, der(0x30, oid(OID.ecdsaWithSha256)), der(0x03, Buffer.concat([Buffer.from([0]), signature])));
    const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
    return [`-----BEGIN ${kind}-----`, ...lines, `-----END ${kind}-----`, ''].join('\n');
  }
}

const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  basicConstraints: '551d13',
  subjectAltName: '551d11',
} as const;

function addresses(hosts: true | string): Buffer {
  const here = [der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1]))];
  const names = der(0x30, ...(hosts === true ? here : [der(0x82, Buffer.from(hosts))]));
  return extension(OID.subjectAltName, names);
}

function extension(id: string, value: Buffer): Buffer {
  return der(0x30, oid(id), der(0x04, value));
}

function distinguished(name: string): Buffer {
  return der(0x30, der(0x31, der(0x30, oid(OID.commonName), der(0x0c, Buffer.from(name)))));
}

function time(at: Date): Buffer {
  const digits = at.toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

/** Tag, length, value. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  if (value.length < 0x80) return Buffer.concat([Buffer.from([tag, value.length]), value]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(value.length);
  return Buffer.concat([Buffer.from([tag, 0x82]), length, value]);
}
