import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto';

import { invalid } from '../../core/errors.js';
import { refusalOf, type OriginPolicy } from './origin-url.js';

/** How a repository reaches its origin; the names that users of Pulp's importers know. Null: not set. */
export interface Settings {
  /** The folder that is mirrored, or the PULP_MANIFEST in it. */
  url: string | null;
  /** `scheme://host`; the port stands in `proxy_port`. */
  proxy_url: string | null;
  proxy_port: number | null;
  proxy_username: string | null;
  proxy_password: string | null;
  /** Seconds until a connection stands. Slightly above a multiple of 3, the window of a TCP retransmission. */
  connect_timeout: number;
  /** Seconds without a byte after that. */
  read_timeout: number;
  /** PEM texts. The CA replaces the system's own. */
  ssl_ca_cert: string | null;
  ssl_client_cert: string | null;
  ssl_client_key: string | null;
}

export const DEFAULTS: Settings = {
  url: null,
  proxy_url: null,
  proxy_port: null,
  proxy_username: null,
  proxy_password: null,
  connect_timeout: 6.05,
  read_timeout: 27,
  ssl_ca_cert: null,
  ssl_client_cert: null,
  ssl_client_key: null,
};

/** Written, never read: answered as this. In a change it means "as it is", so that what was read can be sent back. */
export const HIDDEN = '***';
const SECRETS = ['proxy_password', 'ssl_client_key'] as const;

export function withoutSecrets(settings: Settings): Settings {
  const shown = { ...settings };
  for (const key of SECRETS) if (shown[key] !== null) shown[key] = HIDDEN;
  return shown;
}

/** The settings after a change; null resets one to its default. Throws VALIDATION_FAILED for what cannot be used. */
export function changed(settings: Settings, change: Changes, policy: OriginPolicy): Settings {
  const unset = SECRETS.find(key => change[key] === HIDDEN && settings[key] === null);
  if (unset !== undefined) throw invalid(`/${unset}`, `"${HIDDEN}" stands for a secret that is set, and none is`);
  const kept = SECRETS.filter(key => change[key] === HIDDEN);
  const wishes = Object.entries(change)
    .filter(([key, value]) => value !== undefined && !(kept as string[]).includes(key))
    .map(([key, value]) => [key, value ?? DEFAULTS[key as keyof Settings]]);
  const next = { ...settings, ...(Object.fromEntries(wishes) as Partial<Settings>) };
  check(next, policy);
  return next;
}

/** What a client may send; shape and types are checked by the route's schema. */
export type Changes = { [K in keyof Settings]?: Settings[K] | null | undefined };

function check(settings: Settings, policy: OriginPolicy): void {
  checkUrl('/url', settings.url, policy);
  if (settings.url !== null && /[?#]/.test(settings.url)) {
    throw invalid('/url', 'a query or fragment has no meaning for a folder of files');
  }
  checkProxy(settings, policy);
  checkTls(settings);
}

function checkUrl(pointer: string, url: string | null, policy: OriginPolicy): void {
  const refusal = url === null ? undefined : refusalOf(url, policy);
  if (refusal !== undefined) throw invalid(pointer, refusal, 'url_not_allowed');
}

function checkProxy({ proxy_url, proxy_username, proxy_password }: Settings, policy: OriginPolicy): void {
  checkUrl('/proxy_url', proxy_url, policy);
  if (proxy_url !== null && !/^https?:\/\/(\[[^\]]+\]|[^/:?#]+)\/?$/i.test(proxy_url)) {
    throw invalid('/proxy_url', 'expected scheme://host, as http://proxy.example.org; its port is proxy_port', 'url_not_allowed');
  }
  if (proxy_username?.includes(':') === true)
    throw invalid('/proxy_username', 'basic authentication allows no colon in a user name');
  if (proxy_password !== null && proxy_username === null) {
    throw invalid('/proxy_username', 'expected with proxy_password: basic authentication needs both');
  }
}

function checkTls({ ssl_ca_cert, ssl_client_cert, ssl_client_key }: Settings): void {
  if (ssl_ca_cert !== null) readCertificates('/ssl_ca_cert', ssl_ca_cert);
  if (ssl_client_cert === null && ssl_client_key === null) return;
  if (ssl_client_cert === null)
    throw invalid('/ssl_client_cert', 'expected with ssl_client_key: one is of no use without the other');
  if (ssl_client_key === null)
    throw invalid('/ssl_client_key', 'expected with ssl_client_cert: one is of no use without the other');
  const [certificate] = readCertificates('/ssl_client_cert', ssl_client_cert);
  if (!certificate.checkPrivateKey(readKey(ssl_client_key))) {
    throw invalid('/ssl_client_key', 'is not the key of ssl_client_cert (its first certificate)');
  }
}

function readCertificates(pointer: string, pem: string): [X509Certificate, ...X509Certificate[]] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    const [first, ...more] = blocks.map(block => new X509Certificate(block));
    if (first) return [first, ...more];
  } catch {
    // told below: the parser's own words name an offset in DER, which helps nobody
  }
  throw invalid(pointer, 'expected one or more certificates as PEM text');
}

/** The parser's error is dropped on purpose: nothing about a key may reach an answer or a log. */
function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw invalid('/ssl_client_key', 'expected a private key as PEM text, without a passphrase');
  }
}
