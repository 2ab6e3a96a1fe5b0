import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { system } from '../../process/system.js';
import type { Readiness } from '../serve.js';

export interface RolePlan {
  role: string;
  flags: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Gets each line that the role writes. */
  onLine: (role: string, line: string) => void;
}

/** One role in a process of its own. */
export interface RoleProcess {
  readonly role: string;
  readonly pid: number;
  /** Resolves when it serves; rejects when it ends before. */
  readonly ready: Promise<Readiness>;
  /** Resolves with how it ended, as `exit code 78` or `SIGKILL`. */
  readonly ended: Promise<string>;
  /** Asks it to stop, insists after `patienceMs`; resolves when it is gone. */
  stop(patienceMs: number): Promise<void>;
  /** The second signal: it kills what it runs and leaves. */
  force(): void;
}

const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const CLI = fileURLToPath(new URL(`../../cli/interlock.${EXTENSION}`, import.meta.url));

export function startRole({ role, flags, env, onLine }: RolePlan): RoleProcess {
  const child = spawn(process.execPath, [...process.execArgv, CLI, role, ...flags], {
    env,
    // The IPC channel tells us when it serves, and it that we are gone.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true, // Ctrl-C is for us alone: we stop the roles in order
  });
  for (const stream of [child.stdout, child.stderr]) if (stream) createInterface(stream).on('line', line => onLine(role, line));
  const ended = endOf(child);
  return {
    role,
    pid: child.pid ?? 0,
    ready: Promise.race([
      new Promise<Readiness>(resolve => child.once('message', message => resolve(message as Readiness))),
      ended.then(how => Promise.reject(new RoleEnded(role, how))),
    ]),
    ended,
    stop: patienceMs => stop(child, ended, patienceMs),
    force: () => void child.kill('SIGTERM'),
  };
}

/** A role that ended before it served. */
export class RoleEnded extends Error {
  readonly how: string;

  constructor(role: string, how: string) {
    super(`The ${role} ended before it was ready (${how}); its lines above say why.`);
    this.name = 'RoleEnded';
    this.how = how;
  }
}

/** After its last line: `close` waits for the pipes. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise(resolve => {
    child.once('error', error => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code ?? '?'}`));
  });
}

async function stop(child: ChildProcess, ended: Promise<string>, patienceMs: number): Promise<void> {
  child.kill('SIGTERM');
  const over = new AbortController();
  const insisting = system.timers.sleep(patienceMs, over.signal).then(() => {
    if (!over.signal.aborted) child.kill('SIGKILL');
  });
  await ended;
  over.abort();
  await insisting;
}
