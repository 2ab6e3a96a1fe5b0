import { createInterface } from 'node:readline';

import { UsageError } from './exit-codes.js';

/** One line that somebody types, or undefined when there will be none. Ctrl-C stays a signal of the process. */
export function askLine(question: string, signal?: AbortSignal): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, terminal: false });
  process.stderr.write(question);
  return new Promise(resolve => {
    const end = (line?: string): void => {
      resolve(line); // before the end of the lines comes here, too
      signal?.removeEventListener('abort', aborted);
      lines.close();
      process.stdin.unref();
    };
    const aborted = (): void => end();
    lines.once('line', end);
    lines.once('close', () => end());
    signal?.addEventListener('abort', aborted);
  });
}

/** Whether somebody is there to answer. */
export function somebodyIsThere(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Before what cannot be undone: asks on a terminal, and refuses (UsageError) where nobody can answer, unless `--yes` was given. False: the answer was no.
 */
export async function mayGoOn(what: string, { yes }: { yes?: boolean | undefined }): Promise<boolean> {
  if (yes) return true;
  if (!somebodyIsThere()) throw new UsageError(`this would ${what}, and there is no terminal to ask at: add --yes to do it.`);
  const answer = await askLine(`This will ${what}. Go on? [y/N] `);
  if (/^y(es)?$/i.test(answer?.trim() ?? '')) return true;
  process.stderr.write('Nothing was done.\n');
  process.exitCode = 1;
  return false;
}

export const YES = ['--yes', 'do not ask first'] as const;
