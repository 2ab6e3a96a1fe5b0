import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { notAbandoned } from './not-abandoned.js';

/** By its address: commands run in other folders. */
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What follows the program `node` to run the command line: compiled, as users run it, and in a third of the time. `npm test` builds it first. */
export const COMMAND_LINE = [`${ROOT}/dist/cli/interlock.js`];

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  /** What it wrote so far. */
  readonly stdout: string;
  readonly stderr: string;
  ended: Promise<Ended>;
}

/** The environment of this process without settings of Interlock, and with these. */
export function cleanEnvironment(env: Record<string, string> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(INTERLOCK_|NODE_ENV$|NODE_CONFIG|NO_COLOR$|FORCE_COLOR$)/.test(name),
  );
  return { ...Object.fromEntries(own), ...env };
}

interface Options {
  env?: Record<string, string>;
  cwd?: string;
  ipc?: boolean;
}

/** Starts a TypeScript file of this repository as a process of its own. */
export function startScript(path: string, args: readonly string[], options: Options = {}): Running {
  return startNode(['--import', TSX, `${ROOT}/${path}`, ...args], options);
}

/** Starts the command line. */
export function startInterlock(args: readonly string[], options: Options = {}): Running {
  return startNode([...COMMAND_LINE, ...args], options);
}

function startNode(words: readonly string[], options: Options): Running {
  const child = notAbandoned(
    spawn(process.execPath, words, {
      cwd: options.cwd ?? ROOT,
      env: cleanEnvironment(options.env),
      stdio: ['ignore', 'pipe', 'pipe', ...(options.ipc ? (['ipc'] as const) : [])],
    }),
  );
  const written = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (written.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()));
  return {
    child,
    get stdout() {
      return written.stdout;
    },
    get stderr() {
      return written.stderr;
    },
    ended: once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      ...written,
    })),
  };
}

/** Runs the command line to its end. */
export function interlock(args: readonly string[], options: Options = {}): Promise<Ended> {
  return startInterlock(args, options).ended;
}
