import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { SetupError } from '../setup-error.js';

// Below the range that Linux gives to outgoing connections (32768 up): a server that is restarted on its port must not
// find it taken by somebody's connection. 7,000 ports leave two starting commands next to no chance to meet.
const FIRST = 18_000;
const LAST = 24_999;
const ATTEMPTS = 200;

/**
 * Gives `count` different ports that are free on 127.0.0.1 at this moment.
 * @throws SetupError `busy`
 */
export async function freePorts(count: number): Promise<number[]> {
  const held: { port: number; server: Server }[] = [];
  for (let attempt = 0; held.length < count && attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST, LAST + 1);
    const server = await hold(port);
    if (server) held.push({ port, server });
  }
  // Held together until all are chosen, so that they differ.
  await Promise.all(held.map(({ server }) => new Promise(resolve => server.close(resolve))));
  if (held.length < count) throw new SetupError('busy', `No ${count} free ports between ${FIRST} and ${LAST} on 127.0.0.1`);
  return held.map(({ port }) => port);
}

export async function isFree(port: number): Promise<boolean> {
  const server = await hold(port);
  if (server) await new Promise(resolve => server.close(resolve));
  return server !== undefined;
}

async function hold(port: number): Promise<Server | undefined> {
  const server = createServer();
  try {
    server.listen({ port, host: '127.0.0.1', exclusive: true });
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}
