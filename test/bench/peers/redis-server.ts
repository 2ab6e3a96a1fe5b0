import { writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { freePorts } from '../../../src/servers/processes/ports.js';
import { debianServer } from './debian-server.js';
import { listening } from './listening.js';
import type { Site } from './site.js';

export interface RedisAddress {
  host: string;
  port: number;
  password: string;
}

/** A private Redis that answers a write when it is on disk. It ends with the site. */
export async function startRedis(site: Site): Promise<RedisAddress> {
  const { path, env } = await debianServer(site.servers, 'redis-server', /^redis/);
  const [port = 0] = await freePorts(1);
  const folder = site.folder('redis');
  const address = { host: '127.0.0.1', port, password: randomBytes(16).toString('hex') };
  const settings = [
    `bind ${address.host}`,
    `port ${port}`,
    `requirepass ${address.password}`,
    `dir ${folder}`,
    'appendonly yes',
    'appendfsync always',
    'save ""', // no snapshots beside the log
  ];
  const file = join(folder, 'redis.conf');
  writeFileSync(file, settings.join('\n') + '\n', { mode: 0o600 });
  const server = site.start({ name: 'redis', command: [join(path, 'usr/bin/redis-server'), file], env });
  await listening(server, port);
  return address;
}
