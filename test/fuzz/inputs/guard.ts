import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import type { Figures, Wish } from './stage.js';

export interface GuardOptions {
  /** The module whose `STAGES` are run. */
  stages: URL;
  /** A stage of which no case ends within this hangs. */
  silentMs: number;
  /** What a child may have in memory. */
  memoryMiB: number;
}

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
const LOOK_MS = 200;
/** Loading everything, on a machine that is busy with other things. */
const START_MS = 120_000;
const PAGE = 4_096;

/**
 * Runs stages in a child process, one after another. A loop that never ends, a crash and a heap that grows without end cannot be seen from within: they end
 * the child, and the case that did it is told.
 */
export class Guard {
  readonly #options: GuardOptions;
  #folder: string | undefined;
  #child: ChildProcess | undefined;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  async run(name: string, wish: Wish): Promise<Figures> {
    const child = (this.#child ??= await this.#start());
    const ended = new AbortController();
    const answer = once(child, 'message', { signal: ended.signal }).then(([figures]) => figures as Figures);
    const exit = once(child, 'exit', { signal: ended.signal }).then(
      ([code, signal]) => `the process ended with ${String(signal ?? code)}`,
    );
    child.send({ name, ...wish });
    try {
      const found = await Promise.race([answer, exit, this.#watch(child, ended.signal)]);
      if (typeof found !== 'string') return found;
      await this.#end();
      return { stage: name, cases: 0, seed: wish.seed, outcomes: {}, failure: `${found}. The last case:\n${this.#last()}` };
    } finally {
      ended.abort();
      await Promise.allSettled([answer, exit]);
    }
  }

  async close(): Promise<void> {
    await this.#end();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true });
  }

  async #start(): Promise<ChildProcess> {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'interlock-fuzz-'));
    const args = [this.#options.stages.href, this.#progress];
    const child = fork(CHILD, args, { execArgv: ['--import', 'tsx'], serialization: 'advanced' });
    const failed = once(child, 'exit').then(() => Promise.reject(new Error('the child process did not start')));
    await Promise.race([once(child, 'message', { signal: AbortSignal.timeout(START_MS) }), failed]);
    failed.catch(() => undefined); // it ends some day
    return child;
  }

  async #end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  /** Resolves with what is wrong. */
  async #watch({ pid = 0 }: ChildProcess, signal: AbortSignal): Promise<string> {
    const { silentMs, memoryMiB } = this.#options;
    let [seen, sinceMs] = [this.#read(), performance.now()];
    while (!signal.aborted) {
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
      const now = this.#read();
      if (now !== seen) [seen, sinceMs] = [now, performance.now()];
      if (performance.now() - sinceMs > silentMs) return `no case has ended for ${silentMs / 1_000} s`;
      const MiB = residentMiB(pid);
      if (MiB > memoryMiB) return `the process has ${MiB} MiB, more than ${memoryMiB}`;
    }
    return '';
  }

  get #progress(): string {
    return join(this.#folder ?? '', 'progress');
  }

  #read(): string {
    return readFileSync(this.#progress, 'utf8');
  }

  /** The number of the case and its length stand in the first line; behind it lies the rest of longer ones before. */
  #last(): string {
    const bytes = readFileSync(this.#progress);
    const line = bytes.indexOf('\n');
    const length = Number(bytes.toString('utf8', 0, line).split(' ')[1]);
    return bytes.toString('utf8', line + 1, line + 1 + length);
  }
}

/** 0 where the system does not tell. */
function residentMiB(pid: number): number {
  try {
    return Math.round((Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE) / 1_048_576);
  } catch {
    return 0;
  }
}
