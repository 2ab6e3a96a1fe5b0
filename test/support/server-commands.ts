import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/servers/main.ts', import.meta.url));

/** The binaries of the checkout, so that nothing is fetched a second time. */
export const SERVERS_CACHE =
  process.env.INTERLOCK_SERVERS_CACHE ?? fileURLToPath(new URL('../../.interlock/servers', import.meta.url));

export interface Command {
  process: ChildProcess;
  mongoUrl: string;
  amqpUrl: string;
  /** What it reported on standard error. */
  reported: () => string;
}

/** Starts `main.js run` and waits until its servers are ready; without a MongoDB when one is named. */
export async function startCommand(directory: string, namedMongo = ''): Promise<Command> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'run', '--directory', directory], {
    env: { ...process.env, INTERLOCK_SERVERS_CACHE: SERVERS_CACHE, INTERLOCK_MONGO_URL: namedMongo, INTERLOCK_AMQP_URL: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let reported = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (reported += text));
  for await (const line of createInterface({ input: child.stdout })) {
    return { process: child, ...(JSON.parse(line) as { mongoUrl: string; amqpUrl: string }), reported: () => reported };
  }
  throw new Error(`The command ended without servers: ${reported}`);
}

/** The pids of all processes whose command line or folder lies below `path`: what would be left behind. */
export function processesOf(path: string): number[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.filter(pid => readAll(pid).some(text => text.includes(path))).map(Number);
}

function readAll(pid: string): string[] {
  return ['cmdline', 'environ'].map(file => {
    try {
      return readFileSync(join('/proc', pid, file), 'latin1'); // empty for a zombie
    } catch {
      return '';
    }
  });
}

/** The addresses, as /proc writes them, on which a process listens for TCP connections. */
export function listeningAddresses(pid: number): string[] {
  const sockets = readdirSync(`/proc/${pid}/fd`).map(fd => /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`))?.[1]);
  const lines = ['tcp', 'tcp6'].flatMap(table => readFileSync(`/proc/net/${table}`, 'utf8').trim().split('\n').slice(1));
  const fields = lines.map(line => line.trim().split(/\s+/));
  return fields
    .filter(([, , , state, , , , , , inode]) => state === '0A' && sockets.includes(inode))
    .map(([, local = '']) => local.split(':')[0] ?? '');
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}
