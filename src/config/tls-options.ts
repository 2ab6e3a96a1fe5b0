import { text, type Option } from './option.js';

function path(env: string, about: string, what: 'file' | 'folder' = 'file'): Option<string | null> {
  return text<string | null>({ env: `INTERLOCK_${env}`, about, default: null, expected: `the path of a ${what}` });
}

/** What this service shows and asks for where it is the client of a server. */
export function serverTls(env: 'MONGO' | 'AMQP', server: string, ca: string): ServerTls {
  return {
    caFile: path(`${env}_TLS_CA_FILE`, `Certificates (PEM) of the authorities that vouch for ${server}${ca}.`),
    certificateFile: path(`${env}_TLS_CERTIFICATE_FILE`, `Client certificate (PEM) shown to ${server}, with its chain.`),
    keyFile: path(`${env}_TLS_KEY_FILE`, 'Key (PEM) of that certificate; unset: it stands in the same file.'),
    crlFile: path(
      `${env}_TLS_CRL_FILE`,
      `Revocation lists (PEM or DER) of those authorities; ${server} with a revoked certificate is refused.`,
    ),
    crlDirectory: path(
      `${env}_TLS_CRL_DIRECTORY`,
      'The same as a folder of files (`.crl`, `.pem`, or `.r0` as `openssl rehash` names them).',
      'folder',
    ),
  };
}

type ServerTls = Readonly<Record<'caFile' | 'certificateFile' | 'keyFile' | 'crlFile' | 'crlDirectory', Option<string | null>>>;

/** What the API shows its clients, and asks of them. */
export const API_TLS = {
  certificateFile: path('API_TLS_CERTIFICATE_FILE', 'Certificate (PEM) of the API, with its chain; turns https on.'),
  keyFile: path('API_TLS_KEY_FILE', 'Key (PEM) of that certificate; unset: it stands in the same file.'),
  clientCaFile: path(
    'API_TLS_CLIENT_CA_FILE',
    'Certificates (PEM) of the authorities of clients; set: whoever shows no certificate of theirs is refused, before any token is looked at.',
  ),
  crlFile: path(
    'API_TLS_CRL_FILE',
    'Revocation lists (PEM or DER) of those authorities (what `SSLCARevocationFile` is to Apache).',
  ),
  crlDirectory: path('API_TLS_CRL_DIRECTORY', 'The same as a folder of files (`SSLCARevocationPath`).', 'folder'),
} as const;
