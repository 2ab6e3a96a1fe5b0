import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** A certificate and its private key, as PEM texts. Made for one test run, with Node alone: no key is ever stored. */
export interface Certified {
  cert: string;
  key: string;
}

interface Issuer {
  name: string;
  key: KeyObject;
}

export interface Certificates {
  ca: string;
  /** For 127.0.0.1 and localhost. */
  server: Certified;
  client: Certified;
}

/** One authority with a server's and a client's certificate. */
export function makeCertificates(): Certificates {
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const issuer: Issuer = { name: `Test authority ${randomBytes(4).toString('hex')}`, key: pair.privateKey };
  const ca = certificate(issuer, issuer.name, pair.publicKey, [
    extension(OID.basicConstraints, der(0x30, der(0x01, Buffer.from([0xff])))),
  ]);
  return { ca, server: issue(issuer, 'server', [addresses()]), client: issue(issuer, 'client', []) };
}

function issue(issuer: Issuer, name: string, extensions: Buffer[]): Certified {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const cert = certificate(issuer, name, publicKey, extensions);
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  basicConstraints: '551d13',
  subjectAltName: '551d11',
} as const;

/** X.509 v3 in DER (RFC 5280 section 4.1), valid for a day around now. */
function certificate(issuer: Issuer, subject: string, publicKey: KeyObject, extensions: Buffer[]): string {
  const algorithm = der(0x30, oid(OID.ecdsaWithSha256));
  const day = 86_400_000;
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    distinguished(issuer.name),
    der(0x30, time(Date.now() - day), time(Date.now() + day)),
    distinguished(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [der(0xa3, der(0x30, ...extensions))] : []),
  );
  const signature = sign('sha256', body, issuer.key);
  const whole = der(0x30, body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function addresses(): Buffer {
  const names = der(0x30, der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])));
  return extension(OID.subjectAltName, names);
}

function extension(id: string, value: Buffer): Buffer {
  return der(0x30, oid(id), der(0x04, value));
}

function distinguished(name: string): Buffer {
  return der(0x30, der(0x31, der(0x30, oid(OID.commonName), der(0x0c, Buffer.from(name)))));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14);
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
