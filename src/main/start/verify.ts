import { createHash } from 'node:crypto';

export interface Verified {
  files: number;
  bytes: number;
  /** One sentence for each file that is not what the manifest says. */
  faults: string[];
}

interface Entry {
  name: string;
  sha256: string;
  size: number;
}

const AT_A_TIME = 8;
const TIMEOUT_MS = 60_000;

/** Where the API is, and with what it is asked: it may speak https with an authority of its own. */
export interface Asked {
  url: string;
  fetch: typeof fetch;
}

/** Reads every file that a repository publishes through the API, and compares its size and checksum with the manifest. */
export async function verify(api: Asked, repository: string, signal: AbortSignal): Promise<Verified> {
  const base = `content/${encodeURIComponent(repository)}/`;
  const read = (path: string): Promise<Response> => get({ ...api, url: `${api.url}/${base}${path}` }, signal);
  const manifest = await read('PULP_MANIFEST');
  const entries = parse(await manifest.text());
  const verified: Verified = { files: 0, bytes: 0, faults: [] };
  const queue = entries.values();
  const reader = async (): Promise<void> => {
    for (const entry of queue) {
      const fault = await compare(read, entry);
      if (fault !== undefined) verified.faults.push(fault);
      verified.files += 1;
      verified.bytes += entry.size;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, reader));
  if (entries.length === 0) verified.faults.push('The manifest is empty.');
  return verified;
}

async function compare(read: (path: string) => Promise<Response>, { name, sha256, size }: Entry): Promise<string | undefined> {
  const response = await read(name.split('/').map(encodeURIComponent).join('/'));
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    hash.update(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).length;
  }
  if (bytes !== size) return `${name}: ${bytes} bytes, not ${size}`;
  return hash.digest('hex') === sha256 ? undefined : `${name}: another checksum than the manifest's`;
}

async function get({ url, fetch }: Asked, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

/** Names may hold commas: the last two divide a line. */
function parse(manifest: string): Entry[] {
  const lines = manifest.split('\n').filter(line => line !== '');
  return lines.map(line => {
    const [, name = '', sha256 = '', size = ''] = /^(.*),([0-9a-f]{64}),(\d+)$/.exec(line) ?? [];
    return { name, sha256, size: Number(size) };
  });
}
