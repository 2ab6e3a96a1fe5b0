import type { Command } from 'commander';

import { setTimeout as sleep } from 'node:timers/promises';

import { seconds } from './arguments.js';
import type { Output } from './output.js';

export interface WatchOptions {
  /** Seconds between two looks. */
  watch?: number | true | undefined;
}

const EVERY_S = 2;
const LEAST_S = 0.2;
const CLEAR = '\u001b[H\u001b[J';

export function watchOption(command: Command): Command {
  return command.option(
    '--watch [seconds]',
    `again and again (every ${EVERY_S} s) until Ctrl-C: redrawn on a terminal, else a line of JSON each`,
    seconds,
  );
}

/** Shows what `read` gives once or, with `--watch`, until Ctrl-C, which is an ordinary end. An API that is away for a moment is told and asked again. */
export async function showing<T>(
  { watch }: WatchOptions,
  out: Output,
  read: () => Promise<T>,
  human: (value: T) => string | Promise<string>,
): Promise<void> {
  const show = async (frame: (text: string) => string): Promise<void> => {
    const value = await read();
    const text = out.json ? '' : await human(value);
    out.data(value, () => frame(text));
  };
  if (watch === undefined) return show(text => text);
  const over = new AbortController();
  process.once('SIGINT', () => over.abort());
  const everyMs = Math.max(LEAST_S, watch === true ? EVERY_S : watch) * 1_000;
  for (let looks = 0; !over.signal.aborted; looks++) {
    try {
      await show(text => `${CLEAR}${text}`);
    } catch (error) {
      if (looks === 0 || !(await isAway(error))) throw error;
      out.note((error as Error).message);
    }
    await sleep(everyMs, undefined, { signal: over.signal }).catch(() => undefined); // Ctrl-C, which the loop sees
  }
}

async function isAway(error: unknown): Promise<boolean> {
  const { isTransient } = await import('../client/transport.js');
  return isTransient(error);
}
