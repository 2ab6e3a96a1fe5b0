import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const LOAD_ONCE = fileURLToPath(new URL(`load-once.${EXTENSION}`, import.meta.url));
/** A module that takes longer, or never comes to an end, would not serve either. */
const PATIENCE_MS = 20_000;
const MOST_CHARS = 2_000;

/** What is wrong with the task modules as they are on the disk now, found by a process that loads them and ends; undefined: nothing. */
export function moduleTrouble(): Promise<string | undefined> {
  return new Promise(resolve => {
    const options = { stdio: ['ignore', 'ignore', 'pipe'] as const, timeout: PATIENCE_MS, killSignal: 'SIGKILL' as const };
    const child = spawn(process.execPath, [...process.execArgv, LOAD_ONCE], { ...options, stdio: [...options.stdio] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-MOST_CHARS)));
    child.once('error', error => resolve(error.message));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(signal === null ? said.trim() : `it was not loaded within ${PATIENCE_MS / 1_000} s (${signal})`);
    });
  });
}
