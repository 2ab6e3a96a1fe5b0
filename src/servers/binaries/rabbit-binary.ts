import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { isExecutable, onPath, searchPath } from '../processes/path.js';
import { SetupError } from '../setup-error.js';
import { cached, type Cache } from './cache.js';
import { downloadPackages, removeAptFolder, unpackPackages } from './debian-packages.js';
import { removeUnusedPlugins } from './rabbit-plugins.js';

/** A RabbitMQ that can be started. */
export interface RabbitBinary {
  kind: 'system' | 'private';
  /** The folder with `rabbitmq-server` and `rabbitmqctl`. Run them from there as `./name`: they do not bear blanks in their path. */
  scripts: string;
  epmd: string;
  /** Added to the environment of each of its programs. */
  env: Record<string, string>;
}

const WAYS = [
  'Install RabbitMQ 3.8 or later (Debian and Ubuntu: apt-get install rabbitmq-server)',
  'Name a RabbitMQ of your own: INTERLOCK_AMQP_URL=amqp://user:password@host:5672',
];

/** @throws SetupError `no-rabbitmq` */
export async function findRabbit(cache: Cache): Promise<RabbitBinary> {
  return systemRabbit() ?? (await privateRabbit(cache));
}

function systemRabbit(): RabbitBinary | undefined {
  for (const folder of [...searchPath(), '/usr/lib/rabbitmq/bin', '/usr/sbin']) {
    const found = join(folder, 'rabbitmq-server');
    if (!isExecutable(found)) continue;
    // The packages' /usr/sbin/rabbitmq-server is a wrapper that insists on root and changes user. What it wraps lies beside it.
    let script = realpathSync(found);
    if (basename(script) !== 'rabbitmq-server') script = join(dirname(script), 'rabbitmq-server');
    if (!isExecutable(script)) continue;
    const scripts = dirname(realpathSync(script));
    const epmd = onPath('epmd') ?? epmdBesideErl();
    if (epmd && isExecutable(join(scripts, 'rabbitmqctl'))) return { kind: 'system', scripts, epmd, env: {} };
  }
  return undefined;
}

function epmdBesideErl(): string | undefined {
  const erl = onPath('erl');
  return [erl && join(dirname(realpathSync(erl)), 'epmd'), '/usr/lib/erlang/bin/epmd'].find(path => path && isExecutable(path));
}

async function privateRabbit(cache: Cache): Promise<RabbitBinary> {
  try {
    const { path } = await cached(cache, {
      name: 'rabbitmq-server-debian-1',
      title: "RabbitMQ from Debian's packages",
      build: buildPrivate,
    });
    return privateAt(path);
  } catch (error) {
    if (!(error instanceof SetupError) || error.code === 'busy') throw error;
    const why = error.code === 'command-missing' ? 'there is no apt to fetch it with' : error.message;
    throw new SetupError('no-rabbitmq', `No RabbitMQ: no rabbitmq-server on this machine, and ${why}`, {
      ways: WAYS,
      cause: error,
    });
  }
}

async function buildPrivate(into: string): Promise<Record<string, string>> {
  const work = join(into, 'apt');
  // Libraries that are installed are used as they are; Erlang is always a copy, for it must be of one piece.
  const counts = (name: string) => !/^(erlang|rabbitmq)/.test(name);
  const files = await downloadPackages({ work, counts }, ['rabbitmq-server']);
  await unpackPackages(files, into);
  removeAptFolder(work);
  tellErlang(join(into, 'usr/lib/erlang'));
  removeUnusedPlugins(join(serverFolder(into), 'plugins'));
  return {};
}

/** Debian's `erl` names /usr/lib/erlang. A copy is told its place by the environment, so that the cache may be moved. */
export function tellErlang(erlang: string): void {
  for (const erl of erlScripts(erlang)) {
    writeFileSync(erl, readFileSync(erl, 'utf8').replaceAll('ROOTDIR=/usr/lib/erlang', 'ROOTDIR=${INTERLOCK_ERLANG:?}'));
  }
}

/** One on the PATH, and one beside the emulator, which comes first on the PATH of what the emulator starts. */
function erlScripts(erlang: string): string[] {
  const emulators = readdirSync(erlang).filter(name => name.startsWith('erts-'));
  return ['bin/erl', ...emulators.map(name => join(name, 'bin/erl'))].map(name => join(erlang, name));
}

export function serverFolder(path: string): string {
  const library = join(path, 'usr/lib/rabbitmq/lib');
  const version = readdirSync(library).find(name => name.startsWith('rabbitmq_server-'));
  if (version) return join(library, version);
  throw new SetupError('no-rabbitmq', `Debian's package of RabbitMQ has no rabbitmq_server-* in its lib folder`, { ways: WAYS });
}

export function privateAt(path: string): RabbitBinary {
  const erlang = join(path, 'usr/lib/erlang');
  const triplets = readdirSync(join(path, 'usr/lib')).filter(name => name.endsWith('-linux-gnu'));
  return {
    kind: 'private',
    scripts: join(serverFolder(path), 'sbin'),
    epmd: join(erlang, 'bin/epmd'),
    env: {
      INTERLOCK_ERLANG: erlang,
      PATH: [join(erlang, 'bin'), join(path, 'usr/bin'), process.env.PATH ?? '/usr/bin:/bin'].join(delimiter),
      LD_LIBRARY_PATH: [...triplets.map(name => join(path, 'usr/lib', name)), process.env.LD_LIBRARY_PATH ?? '']
        .filter(Boolean)
        .join(delimiter),
    },
  };
}
