import { spawn } from 'node:child_process';
import { closeSync, copyFileSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastLines } from './command.js';
import type { Guardian } from './guardian.js';
import { identify, signalGroup, type ProcessIdentity } from './identity.js';
import { record, type RunFolder } from './run-folder.js';

export interface Launch {
  /** For records and messages, such as `mongod`. */
  name: string;
  command: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Standard output and errors are appended here. */
  logFile: string;
}

/** A process group that was started here. */
export interface ServerProcess {
  readonly identity: ProcessIdentity;
  /** How it ended, such as `exit code 1` or `SIGKILL`; undefined while it runs. */
  ended(): string | undefined;
  signal(signal: NodeJS.Signals): void;
  /** From now on, tells when it ends without `end` having been called. */
  tellUnexpectedEnd(tell: (line: string) => void): void;
  /** Ends the group: TERM, after `graceMs` KILL; 0 kills at once. Never takes longer than `graceMs` and 5 s. */
  end(graceMs: number): Promise<void>;
}

/** Where servers are kept: their folder and who watches them. */
export interface Keeper {
  folder: RunFolder;
  guardian: Guardian;
  /** Where a line about an unexpected end goes. */
  tell: (line: string) => void;
}

const LOG_LIMIT = 16 * 1024 * 1024; // bytes; one older generation is kept
const LOG_CHECK_MS = 30_000;

// The shell waits for a word before it becomes the server. Should the owner die between fork and record, the pipe ends
// and no server ever runs that nobody knows of.
const GATE = 'read -r go && exec "$@" </dev/null';

export function launch(what: Launch, keeper: Keeper): ServerProcess {
  const log = openSync(what.logFile, 'a');
  const child = spawn('/bin/sh', ['-c', GATE, what.name, ...what.command], {
    stdio: ['pipe', log, log],
    env: what.env,
    cwd: what.cwd,
    detached: true, // a group of its own, ended as a whole
  });
  closeSync(log);
  if (child.pid === undefined) throw new Error(`${what.name} could not be started: /bin/sh is missing`);
  const identity = identify(child.pid);
  record(keeper.folder, what.name, identity);
  keeper.guardian.watch(identity);
  child.stdin?.on('error', () => undefined);
  child.stdin?.end('go\n');
  child.unref();

  let end: string | undefined;
  let tell: (line: string) => void = () => undefined;
  const exited = new Promise<void>(resolve => {
    child.on('exit', (code, signal) => {
      end = signal ?? `exit code ${code ?? '?'}`;
      clearInterval(bounding);
      tell(`${what.name} ended unexpectedly (${end}); its log is ${what.logFile}`);
      resolve();
    });
  });
  const bounding = setInterval(() => boundLog(what.logFile), LOG_CHECK_MS).unref();
  const exitedWithin = async (ms: number) => {
    const timer = new AbortController();
    await Promise.race([exited, sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
    return end !== undefined;
  };
  return {
    identity,
    ended: () => end,
    signal: signal => signalGroup(identity, signal),
    tellUnexpectedEnd: given => (tell = given),
    end: async graceMs => {
      tell = () => undefined;
      if (end === undefined && graceMs > 0) {
        signalGroup(identity, 'SIGTERM');
        signalGroup(identity, 'SIGCONT'); // a stopped process would not see it
        await exitedWithin(graceMs);
      }
      signalGroup(identity, 'SIGKILL'); // also what a leader leaves behind in its group
      await exitedWithin(5_000);
    },
  };
}

/** The log is written with O_APPEND, so it may be cut while it is being written. */
function boundLog(file: string): void {
  try {
    if (statSync(file).size < LOG_LIMIT) return;
    copyFileSync(file, `${file}.1`);
    truncateSync(file);
  } catch {
    // Gone with its folder, or the disk is full: a log is not worth a failure.
  }
}

export function logTail(file: string, lines = 12): string {
  try {
    return lastLines(readFileSync(file, 'utf8'), lines);
  } catch {
    return '    (no log was written)';
  }
}
