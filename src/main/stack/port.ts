import { once } from 'node:events';
import { createServer } from 'node:net';

import type { Loaded } from '../../config/load.js';

/** The port that was asked for; else the default one, or 0 (any) where somebody has that already. */
export async function apiPort({ config, origins }: Loaded, asked: number | undefined): Promise<number> {
  if (asked !== undefined) return asked;
  const { host, port } = config.api;
  if (origins.get('api.port') !== 'default') return port;
  return (await isFree(host, port)) ? port : 0;
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    await new Promise(resolve => server.close(resolve));
    return true;
  } catch {
    return false;
  }
}
