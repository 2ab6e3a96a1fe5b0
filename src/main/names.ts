import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { promisify } from 'node:util';

import { ConfigError } from '../config/config-error.js';
import { PROCESS_NAME } from '../core/names.js';
import type { Role } from '../core/process.js';

const LOOKUP_MS = 2_000;

/** The name of this process: as asked for, or `worker@<host>`, or `<role>@<host>.<pid>`. Throws ConfigError for one that cannot be. */
export async function processName(role: Role, asked: string | undefined): Promise<string> {
  const pattern = asked ?? (role === 'worker' ? 'worker@%h' : `${role}@%h.${process.pid}`);
  const name = pattern.includes('%h') ? pattern.replaceAll('%h', await fullHostName()) : pattern;
  if (PROCESS_NAME.test(name)) return name;
  const detail = `expected 1 to 200 letters, digits, _ . @ : - (not beginning with a dot), not ${JSON.stringify(name)}`;
  throw new ConfigError([{ key: 'name', source: '-n', detail }]);
}

/** Such a worker takes nothing but what the resource manager binds to it. */
export function isDedicated(workerName: string): boolean {
  return /^reserved[-_]resource[-_]worker/.test(workerName);
}

/** Older unit files start the resource manager as a worker of this name. */
export function isResourceManager(workerName: string): boolean {
  return /^resource[-_]manager/.test(workerName);
}

/** With the domain where the machine knows one: what `hostname -f` says, else the plain name. */
async function fullHostName(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('hostname', ['-f'], { timeout: LOOKUP_MS });
    const name = stdout.trim();
    if (/^[A-Za-z0-9.-]+$/.test(name) && !name.startsWith('localhost')) return name;
  } catch {
    // No such program, or a name server that does not answer: the plain name is good enough to be unique.
  }
  return hostname();
}
