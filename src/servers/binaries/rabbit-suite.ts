import { closeSync, existsSync, lstatSync, openSync, readdirSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { onPath } from '../processes/path.js';
import { SetupError } from '../setup-error.js';
import { cached, type Cache } from './cache.js';
import { debianKeyring, debianMirror, downloadPackages, removeAptFolder, unpackPackages } from './debian-packages.js';
import { privateAt, serverFolder, tellErlang, type RabbitBinary } from './rabbit-binary.js';
import { removeUnusedPlugins } from './rabbit-plugins.js';

/** What its programs need: the broker, Erlang, and the libraries of both down to the C library. */
const NEEDED = /^(rabbitmq-server|erlang-[a-z0-9-]+|lib[a-z0-9.+-]+|zlib1g)_/;
const LOADER = /^ld-linux-[a-z0-9-]+\.so\.\d+$/;

/**
 * RabbitMQ of another suite of Debian than the machine's, such as `trixie` (4.0) or `sid`: its whole dependency closure is unpacked below a
 * folder, and each of Erlang's programs is started by the C library's loader that came along. So a suite that is newer than the machine
 * runs on it without root, container or namespace, and the machine's own programs (the shell, `df`) keep the machine's libraries.
 * apt checks every package against the suite's index, and the index against Debian's keys.
 * `origin` names the suite and the versions of its packages.
 * @throws SetupError `command-missing` without apt, Debian's mirror or its keys; `command-failed`
 */
export async function suiteRabbit(cache: Cache, suite: string): Promise<RabbitBinary & { origin: string }> {
  if (!/^[a-z]+$/.test(suite)) throw new SetupError('command-failed', `"${suite}" is no name of a Debian suite, such as trixie`);
  const { path, facts } = await cached(cache, {
    name: `rabbitmq-server-${suite}-2`,
    title: `RabbitMQ from Debian ${suite}`,
    build: into => build(into, suite),
  });
  const found = privateAt(path);
  const env: Record<string, string> = { ...found.env, INTERLOCK_ERLANG_ROOT: path };
  delete env.LD_LIBRARY_PATH; // with it the machine's shell would load another C library than its own
  return { ...found, env, origin: facts.origin ?? '' };
}

async function build(into: string, suite: string): Promise<Record<string, string>> {
  const work = join(into, 'apt');
  const packages = await downloadPackages({ work, sources: [source(suite)] }, ['rabbitmq-server']);
  await unpackPackages(
    packages.filter(file => NEEDED.test(basename(file))),
    into,
  );
  const origin = `Debian ${suite}: ${['rabbitmq-server', 'erlang-base', 'libc6'].map(name => versioned(packages, name)).join(', ')}`;
  removeAptFolder(work);
  tellErlang(join(into, 'usr/lib/erlang'));
  wrapPrograms(into);
  removeUnusedPlugins(join(serverFolder(into), 'plugins'));
  return { origin };
}

function source(suite: string): string {
  if (!onPath('apt-get'))
    throw new SetupError('command-missing', `RabbitMQ from Debian ${suite} needs apt-get, which is not here`);
  const [mirror, keyring] = [debianMirror(), debianKeyring()];
  if (mirror && keyring) return `deb [signed-by=${keyring}] ${mirror} ${suite} main`;
  throw new SetupError(
    'command-missing',
    `RabbitMQ from Debian ${suite} needs a Debian mirror and Debian's keys on this machine`,
  );
}

/** `erlang-base 1:27.3.4.1+dfsg-1`, from the names of files, in which apt writes a colon as %3a. */
function versioned(files: readonly string[], name: string): string {
  const file = files.map(path => basename(path)).find(path => path.startsWith(`${name}_`)) ?? '';
  return `${name} ${decodeURIComponent(file.split('_')[1] ?? '?')}`;
}

/** Each ELF program of Erlang is kept as NAME.elf beside a script of its name; a link to one (`bin/epmd`) then leads to the script. */
function wrapPrograms(root: string): void {
  const libraries = ['usr/lib', 'lib'].flatMap(folder => libraryFolders(root, folder));
  const loader = libraries.flatMap(folder => readdirSync(join(root, folder)).map(name => join(folder, name))).find(isLoader);
  if (loader === undefined) throw new SetupError('command-failed', `Debian's C library came without its loader`);
  const path = libraries.map(folder => `$INTERLOCK_ERLANG_ROOT/${folder}`).join(':');
  for (const program of elfPrograms(join(root, 'usr/lib/erlang'))) {
    renameSync(program, `${program}.elf`);
    const words = [
      `"\${INTERLOCK_ERLANG_ROOT:?}/${loader}"`,
      `--library-path "${path}"`,
      '--argv0 "$0"', // erlexec finds its companions by it
      `"$INTERLOCK_ERLANG_ROOT/${relative(root, program)}.elf"`,
      '"$@"',
    ];
    writeFileSync(program, `#!/bin/sh\nexec ${words.join(' ')}\n`, { mode: 0o755 });
  }
}

function libraryFolders(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder)).flatMap(name => (name.endsWith('-linux-gnu') ? [join(folder, name)] : []));
}

const isLoader = (path: string): boolean => LOADER.test(basename(path));

function elfPrograms(erlang: string): string[] {
  return readdirSync(erlang, { recursive: true, encoding: 'utf8' })
    .map(name => join(erlang, name))
    .filter(path => /\/bin\/[^/]+$/.test(path) && isProgram(path));
}

function isProgram(path: string): boolean {
  const found = lstatSync(path);
  if (!found.isFile() || (found.mode & 0o100) === 0) return false;
  const file = openSync(path, 'r');
  const magic = Buffer.alloc(4);
  readSync(file, magic);
  closeSync(file);
  return magic.toString('latin1') === '\x7fELF';
}
