import { chownSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { freePorts } from '../../../src/servers/processes/ports.js';
import { debianServer, type DebianServer } from './debian-server.js';
import { listening } from './listening.js';
import type { Site } from './site.js';

/** `nobody`, the same number on every Linux. */
const NOBODY = 65_534;
/** PostgreSQL refuses to run as root: it then becomes somebody who may do nothing. */
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'];
const DURABLE = ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on'];

/** A private PostgreSQL that answers a commit when it is on disk, by its connection string. It ends with the site. */
export async function startPostgres(site: Site): Promise<string> {
  const server = await debianServer(site.servers, 'postgresql', /^(postgresql|libpq)/);
  const [port = 0] = await freePorts(1);
  const password = randomBytes(16).toString('hex');
  const folder = site.folder('postgres');
  const asRoot = process.getuid?.() === 0;
  const become = asRoot ? AS_NOBODY : [];
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (asRoot) for (const path of [folder, passwordFile]) chownSync(path, NOBODY, NOBODY);

  const data = join(folder, 'data');
  const programs = programsOf(server);
  const initdb = [join(programs, 'initdb'), '-D', data, '-U', 'bench', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  const shape = ['--encoding=UTF8', '--locale=C', '--no-instructions'];
  await site.run({ name: 'initdb', command: [...become, ...initdb, ...shape], env: server.env, cwd: folder });

  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', 'timezone=UTC', ...DURABLE];
  const command = [...become, join(programs, 'postgres'), '-D', data, ...settings.flatMap(setting => ['-c', setting])];
  await listening(site.start({ name: 'postgres', command, env: server.env }), port);
  return `postgres://bench:${password}@127.0.0.1:${port}/postgres`;
}

function programsOf({ path }: DebianServer): string {
  const versions = join(path, 'usr/lib/postgresql');
  const found = readdirSync(versions).map(version => join(versions, version, 'bin'));
  const programs = found.find(folder => existsSync(join(folder, 'postgres')));
  if (programs === undefined) throw new Error("Debian's package of PostgreSQL has no postgres");
  return programs;
}
