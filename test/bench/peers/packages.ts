import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { cached } from '../../../src/servers/binaries/cache.js';
import type { Site } from './site.js';

const NPM = fileURLToPath(new URL('npm', import.meta.url));
const REQUIREMENTS = fileURLToPath(new URL('python/requirements.txt', import.meta.url));

/** The folder `node_modules` with the peers that npm carries, as their lock file says; no install script runs. */
export async function npmPackages(site: Site): Promise<string> {
  const build = async (into: string): Promise<Record<string, string>> => {
    for (const file of ['package.json', 'package-lock.json', '.npmrc']) copyFileSync(join(NPM, file), join(into, file));
    const command = ['npm', 'ci', '--ignore-scripts', '--loglevel=error'];
    await site.run({ name: 'npm', command, cwd: into, env: process.env });
    return {};
  };
  const lock = join(NPM, 'package-lock.json');
  const { path } = await cached(site.packages, { name: `npm-${digestOf(lock)}`, title: 'the peers from npm', build });
  return join(path, 'node_modules');
}

/**
 * The Python of a virtual environment with the peers that PyPI carries; nothing is compiled. The folder is moved once it is whole, so
 * programs are to be run by `python -m`: those in `bin` name the place where they were made.
 */
export async function pythonWithPackages(site: Site): Promise<string> {
  const build = async (into: string): Promise<Record<string, string>> => {
    const python = (name: string, ...command: string[]): Promise<void> => site.run({ name, command, env: process.env });
    await python('venv', 'python3', '-m', 'venv', join(into, 'venv'));
    const pip = [join(into, 'venv/bin/python'), '-m', 'pip', 'install', '--quiet', '--only-binary', ':all:'];
    await python('pip', ...pip, '--requirement', REQUIREMENTS);
    return {};
  };
  const name = `python-${digestOf(REQUIREMENTS)}`;
  const { path } = await cached(site.packages, { name, title: 'the peers from PyPI', build });
  return join(path, 'venv/bin/python');
}

/** Other contents are another folder. */
function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12);
}
