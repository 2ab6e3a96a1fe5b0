import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { isDead, statOf } from '../../src/process/identity.js';
import type { Guardian } from '../../src/servers/processes/guardian.js';
import { identify } from '../../src/servers/processes/identity.js';
import type { Player } from './cast.js';
import type { Journal } from './journal.js';
import { nowUs } from './monotonic.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLI = join(ROOT, 'dist/cli/interlock.js');
const MEMORY = join(ROOT, 'test/chaos/memory.mjs');
/** As `RestartSec` of a unit file: a process that ends by itself is started again. */
const RESTART_MS = 1_000;
/** Graces, self-fence and closings of this scale, several times over. */
const END_MS = 60_000;

export interface Keeping {
  folder: string;
  guardian: Guardian;
  journal: Journal;
}

/** One process of the deployment, kept running as a service manager would; its log is `<name>.log`. */
export class Kept {
  readonly player: Player;
  readonly #keeping: Keeping;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #wanted = false;
  #retired = false;

  constructor(player: Player, env: NodeJS.ProcessEnv, keeping: Keeping) {
    this.player = player;
    this.#env = env;
    this.#keeping = keeping;
  }

  get name(): string {
    return this.player.name;
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    const child = this.#child;
    return child?.exitCode === null && child.signalCode === null ? child.pid : undefined;
  }

  /** Does nothing where it runs, or the run is over. */
  start(): void {
    if (this.#retired) return;
    this.#wanted = true;
    if (this.pid !== undefined) return;
    const { folder, guardian, journal } = this.#keeping;
    const log = openSync(join(folder, `${this.name}.log`), 'a');
    const child = spawn(
      process.execPath,
      ['--import', MEMORY, CLI, this.player.role, '-n', this.name],
      { env: this.#env, cwd: folder, stdio: ['ignore', log, log], detached: true }, // Ctrl-C is for the run alone
    );
    closeSync(log);
    if (child.pid === undefined) throw new Error(`${this.name} could not be started`);
    guardian.watch(identify(child.pid));
    this.#child = child;
    journal.note('started', { name: this.name, pid: child.pid });
    child.on('exit', (code, signal) => this.#ended(child, code, signal));
  }

  /** Gone when it resolves; stays so until `start`. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#wanted = false;
    const child = this.#child;
    if (!child || this.pid === undefined) return;
    const exited = once(child, 'exit');
    this.signal('SIGCONT');
    this.signal(signal);
    const late = new AbortController();
    await Promise.race([exited, sleep(END_MS, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
    if (child.exitCode !== null || child.signalCode !== null) return;
    this.#keeping.journal.hung.push(this.name);
    this.#keeping.journal.say(`${this.name} (pid ${this.pid}) does not end on ${signal} within ${END_MS / 1_000} s`);
    this.signal('SIGKILL');
    await exited;
  }

  /** Ends it for good. */
  async retire(): Promise<void> {
    this.#retired = true;
    await this.end('SIGTERM');
  }

  signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined) send(this.pid, signal);
  }

  /** Pids of the task processes that it has now. */
  children(): number[] {
    const { pid } = this;
    if (pid === undefined) return [];
    return readdirSync('/proc')
      .map(Number)
      .filter(each => statOf(each)?.parent === pid);
  }

  /** SIGSTOP, and seen stopped; the returned function lets them go on. */
  async freeze(pids: readonly number[]): Promise<() => void> {
    const { guardian, journal } = this.#keeping;
    for (const pid of pids) guardian.watch(identify(pid)); // a stopped process hears of nobody's end
    const from = nowUs();
    const freezes = pids.map(pid => ({ pid, from, until: Infinity }));
    journal.freezes.push(...freezes);
    for (const pid of pids) send(pid, 'SIGSTOP');
    while (pids.some(pid => !isStill(pid))) await sleep(5);
    journal.note('frozen', { name: this.name, pids });
    return () => {
      for (const freeze of freezes) {
        freeze.until = nowUs();
        if (statOf(freeze.pid)?.state === 'T') send(freeze.pid, 'SIGCONT');
      }
    };
  }

  #ended(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    const asked = !this.#wanted || child !== this.#child;
    this.#keeping.journal.note('ended', { name: this.name, pid: child.pid, code, signal, asked });
    if (asked) return;
    this.#keeping.journal.say(`${this.name} ended by itself (${signal ?? `exit code ${code}`}); starting it again`);
    setTimeout(() => {
      if (this.#wanted) this.start();
    }, RESTART_MS).unref();
  }
}

function isStill(pid: number): boolean {
  const stat = statOf(pid);
  return !stat || stat.state === 'T' || isDead(stat);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
