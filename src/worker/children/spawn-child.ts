import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Duplex, Readable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { startTicksOf } from '../../process/identity.js';
import { MARKER, type ChildIdentity } from './remains.js';

export interface SpawnedChild {
  process: ChildProcess;
  identity: ChildIdentity;
  stdout: Readable;
  stderr: Readable;
  /** fd 3: frames, both ways. */
  messages: Duplex;
  /** fd 4: deadlines to its watchdog, and back words, a line each (`child/watchdog.ts`). */
  lifeline: Duplex;
}

const ALWAYS = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'];
/** Ours and systemd's: where the servers are, and sockets that a task must not answer on. */
const NEVER = /^(INTERLOCK_|WATCHDOG_|LISTEN_|NOTIFY_SOCKET$)/;

/** The environment of task code: a short list, and what the settings name. */
export function childEnvironment(names: readonly string[], marker: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const name of [...ALWAYS, ...names]) {
    const value = process.env[name];
    if (value !== undefined && !NEVER.test(name)) env[name] = value;
  }
  return { ...env, [MARKER]: marker };
}

/** Starts `program` (without its extension) in a session and process group of its own. Throws when the system refuses (EAGAIN, ENOMEM). */
export function spawnChild(
  program: URL,
  options: { workerName: string; directory: string; memoryMiB: number; environment: readonly string[] },
): SpawnedChild {
  const marker = randomUUID();
  // As the supervisor runs, so does the child: compiled, or under tsx from the sources.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const loader = extension === 'ts' ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href] : [];
  const file = `${fileURLToPath(program)}.${extension}`;
  const child = spawn(
    process.execPath,
    [...loader, '--enable-source-maps', file, options.workerName, String(options.memoryMiB)],
    {
      cwd: options.directory,
      env: childEnvironment(options.environment, marker),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    },
  );
  child.on('error', () => undefined); // reported by the missing pid below, or by its exit
  if (child.pid === undefined) throw new Error('The system refuses to start another process.');
  const [, stdout, stderr, messages, lifeline] = child.stdio as unknown as [null, Readable, Readable, Duplex, Duplex];
  const startTicks = startTicksOf(child.pid); // there even if it has died: it is reaped no earlier than in the next turn
  if (startTicks === undefined) throw new Error('Interlock needs a mounted /proc (Linux): it proves children dead by it.');
  const identity = { pid: child.pid, startTicks, marker };
  for (const stream of [stdout, stderr, lifeline]) stream.on('error', () => undefined); // a dead child's pipes: its exit tells
  return { process: child, identity, stdout, stderr, messages, lifeline };
}
