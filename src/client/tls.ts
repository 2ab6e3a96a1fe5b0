import { readFileSync } from 'node:fs';

/** For an API that speaks https, as PEM texts. */
export interface ClientTls {
  /** Certificates of the authorities that vouch for the API, in place of the public ones. */
  ca?: string;
  /** What the client shows where the API asks for a certificate: its own with the chain, and the key. */
  cert?: string;
  key?: string;
}

/** The same as paths of files. */
export interface ClientTlsFiles {
  caFile?: string | undefined;
  certificateFile?: string | undefined;
  keyFile?: string | undefined;
}

/** The files that variables name. */
export function tlsFilesOf(env: Readonly<Record<string, string | undefined>>): ClientTlsFiles {
  return {
    caFile: env.INTERLOCK_CA_FILE,
    certificateFile: env.INTERLOCK_CLIENT_CERTIFICATE_FILE,
    keyFile: env.INTERLOCK_CLIENT_KEY_FILE,
  };
}

/** Undefined where no file is named. Throws TypeError for one that cannot be read. */
export function readClientTls({ caFile, certificateFile, keyFile }: ClientTlsFiles): ClientTls | undefined {
  const tls = { ca: textOf(caFile), cert: textOf(certificateFile), key: textOf(keyFile ?? certificateFile) };
  const named = Object.entries(tls).filter(([, text]) => text !== undefined);
  return named.length === 0 ? undefined : Object.fromEntries(named);
}

function textOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new TypeError(`The file ${path} of the client's TLS cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

const MIN_VERSION = 'TLSv1.2';

/** `fetch` with certificates of its own: Node's global one takes none. Loaded when it is first called. */
export function fetchWith({ ca, cert, key }: ClientTls): typeof fetch {
  let made: Promise<typeof fetch> | undefined;
  const make = async (): Promise<typeof fetch> => {
    const { Agent, fetch: undiciFetch } = await import('undici');
    const connect = { minVersion: MIN_VERSION, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } as const;
    const dispatcher = new Agent({ connect });
    return ((input: string, init: object) => undiciFetch(input, { ...init, dispatcher })) as unknown as typeof fetch;
  };
  return async (input, init) => (await (made ??= make()))(input, init);
}
