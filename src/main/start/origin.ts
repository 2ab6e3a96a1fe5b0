import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A file repository on this machine: some real files of the checkout under a PULP_MANIFEST. */
export interface LocalOrigin {
  url: string;
  /** Lets the first reader of the manifest wait until this is called, so that a second one is seen to queue behind it. */
  release(): void;
  close(): Promise<void>;
}

const SERVED = ['docs', 'src/core', 'package.json', 'LICENSE'];
const MANIFEST = 'PULP_MANIFEST';

/** Listens on a free port of 127.0.0.1. */
export async function startOrigin(root: string): Promise<LocalOrigin> {
  // Read once: what is served stays what the manifest says while somebody works on the files.
  const files = new Map(SERVED.flatMap(path => filesBelow(root, path)).map(name => [name, readFileSync(join(root, name))]));
  const manifest = [...files].map(([name, content]) => `${name},${sha256(content)},${content.length}\n`).join('');
  let release: () => void = () => undefined;
  const released = new Promise<void>(resolve => (release = resolve));
  const server = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? '/').slice(1));
    if (name === MANIFEST) void released.then(() => response.end(manifest));
    else response.writeHead(files.has(name) ? 200 : 404).end(files.get(name));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    release,
    close: async () => {
      release();
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

function filesBelow(root: string, path: string): string[] {
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
