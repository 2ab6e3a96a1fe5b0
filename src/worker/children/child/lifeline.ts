import { once } from 'node:events';
import { readFileSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

import { monotonicMs } from '../budget.js';
import { MARKER } from '../remains.js';
import type { WatchdogData } from './watchdog.js';

export interface LifelineOptions {
  /** At this much resident memory the process is killed. */
  memoryMiB: number;
  /** Many tasks share this process: the watchdog tells of it when this much is used, and when its event loop stands still. */
  shared?: { softMemoryMiB: number };
}

/** The event loop shows that it turns this often; the watchdog notices after a second that it does not. */
const PULSE_MS = 200;

/** The watchdog of this child, as its main thread sees it. */
export class Lifeline {
  readonly #deadlineMs: BigInt64Array;

  private constructor(deadline: SharedArrayBuffer) {
    this.#deadlineMs = new BigInt64Array(deadline);
  }

  /** Resolves when the watchdog watches; only then may user code be loaded. Should it ever fail, this process dies. */
  static async start({ memoryMiB, shared }: LifelineOptions): Promise<Lifeline> {
    const deadline = new SharedArrayBuffer(8);
    const turns = shared && countTurns();
    const marker = `${MARKER}=${process.env[MARKER]}`;
    const workerData: WatchdogData = { deadline, memoryMiB, marker, shared: shared && turns && { ...shared, turns } };
    const thread = new Worker(await watchdogUrl(), { workerData, env: {}, execArgv: [] });
    thread.on('error', error => die(`The watchdog failed: ${String(error)}`));
    thread.on('exit', () => die('The watchdog ended.'));
    await once(thread, 'message');
    thread.unref();
    return new Lifeline(deadline);
  }

  /** Does not return when both the deadline that came with a job and the latest one known here have passed. */
  check(withJobMs: number | null): void {
    const latest = Math.max(withJobMs ?? 0, Number(Atomics.load(this.#deadlineMs, 0)));
    if (latest === 0 || monotonicMs() < latest) return;
    tell('D');
    process.kill(-process.pid, 'SIGKILL');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // the signal is on its way
  }
}

/** The last word of this process may be on its way to nobody. */
export function tell(word: string): void {
  try {
    writeSync(4, `${word}\n`);
  } catch {
    // The supervisor is gone, or does not read: it will find out in another way.
  }
}

function countTurns(): SharedArrayBuffer {
  const turns = new SharedArrayBuffer(4);
  const count = new Int32Array(turns);
  setInterval(() => Atomics.add(count, 0, 1), PULSE_MS).unref();
  return turns;
}

function die(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}

/** Under tsx a thread cannot start from a .ts file: its types are stripped here (it imports nothing that would need more). */
async function watchdogUrl(): Promise<URL> {
  if (!import.meta.url.endsWith('.ts')) return new URL('./watchdog.js', import.meta.url);
  const { transform } = await import('sucrase');
  const source = readFileSync(new URL('./watchdog.ts', import.meta.url), 'utf8');
  const { code } = transform(source, { transforms: ['typescript'], disableESTransforms: true });
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}
