import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { notAbandoned } from '../support/not-abandoned.js';
import { until } from '../support/wait.js';

const run = promisify(execFile);
const PACKAGES = 'systemd,systemd-sysv,dbus,libstdc++6,ca-certificates,procps';
/** Below it nothing of this machine is seen but what is bound in. */
const PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';

export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * A small Debian with a real systemd, booted as a container of this machine: needs root, and Debian's debootstrap and systemd-container. Its network is this
 * machine's, so that servers on 127.0.0.1 are reached.
 */
export class Machine {
  readonly root: string;
  readonly #binds: readonly string[];
  #nspawn: ChildProcess | undefined;

  private constructor(root: string, binds: readonly string[]) {
    this.root = root;
    this.#binds = binds;
  }

  /** A fresh copy of the system below `cache`, which is made once (some 40 s). `binds` are folders of this machine, as `from:to`. */
  static async create(cache: string, root: string, binds: readonly string[]): Promise<Machine> {
    const base = join(cache, 'debian');
    if (!existsSync(base)) await debootstrap(base);
    rmSync(root, { recursive: true, force: true });
    await run('cp', ['-a', base, root]); // devices and owners, too
    return new Machine(root, binds);
  }

  /** Resolves when systemd says that it is up. */
  async boot(): Promise<void> {
    const node = await run('readlink', ['-f', process.execPath]);
    const binds = [`--bind-ro=${node.stdout.trim()}:/usr/local/bin/node`, ...this.#binds.map(bind => `--bind-ro=${bind}`)];
    const console = openSync(`${this.root}.console`, 'a');
    const words = ['-q', '-D', this.root, '--boot', '--register=no', '--keep-unit', ...binds];
    this.#nspawn = notAbandoned(spawn('systemd-nspawn', words, { stdio: ['ignore', console, console], detached: true }));
    closeSync(console);
    await until(
      'the machine is up',
      async () => /^(running|degraded)/.test((await this.run('systemctl', 'is-system-running')).stdout),
      { timeoutMs: 120_000, everyMs: 300 },
    );
  }

  /** Runs a command in it as root; never rejects. */
  async run(...command: string[]): Promise<Answer> {
    const leader = this.#leader();
    if (leader === undefined) return { code: 255, stdout: '', stderr: 'the machine is off' };
    const inside = ['--target', leader, '--mount', '--uts', '--ipc', '--pid', '--cgroup', '--root', '--wd=/'];
    const env = ['env', '-i', '--chdir=/', `PATH=${PATH}`, 'HOME=/root', 'LANG=C.UTF-8'];
    return new Promise(resolve => {
      execFile('nsenter', [...inside, ...env, ...command], { maxBuffer: 64 * 1_048_576 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 255), stdout, stderr });
      });
    });
  }

  /** Powers it off in order, as a machine would. */
  async off(): Promise<void> {
    const nspawn = this.#nspawn;
    if (nspawn?.exitCode !== null) return;
    const ended = once(nspawn, 'exit');
    await this.run('systemctl', 'poweroff');
    await ended;
    this.#nspawn = undefined;
  }

  /** Pulls the plug: every process of it is killed at once. */
  async pullThePlug(): Promise<void> {
    const nspawn = this.#nspawn;
    const leader = this.#leader();
    if (!nspawn || leader === undefined) return;
    const ended = once(nspawn, 'exit');
    process.kill(Number(leader), 'SIGKILL');
    await ended;
    this.#nspawn = undefined;
  }

  /** Its last words, for a failed test. */
  async journal(...words: string[]): Promise<string> {
    return (await this.run('journalctl', '--no-pager', '-n', '60', ...words)).stdout;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** The systemd inside, which is the only child of nspawn. */
  #leader(): string | undefined {
    const pid = this.#nspawn?.exitCode === null ? this.#nspawn.pid : undefined;
    if (pid === undefined) return undefined;
    try {
      return /^\d+/.exec(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1'))?.[0];
    } catch {
      return undefined;
    }
  }
}

async function debootstrap(base: string): Promise<void> {
  const half = `${base}.new`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { recursive: true });
  await run('debootstrap', ['--variant=minbase', `--include=${PACKAGES}`, 'bookworm', half, mirror()], {
    maxBuffer: 64 * 1_048_576,
  });
  rmSync(join(half, 'etc/machine-id'), { force: true });
  await run('systemd-machine-id-setup', [`--root=${half}`]);
  renameSync(half, base);
}

/** Where this machine gets its own packages from. */
function mirror(): string {
  const folder = '/etc/apt/sources.list.d';
  const files = existsSync(folder) ? readdirSync(folder).map(name => join(folder, name)) : [];
  for (const file of ['/etc/apt/sources.list', ...files]) {
    if (!existsSync(file)) continue;
    const [, found] = /^(?:URIs:|deb(?: \[[^\]]*\])?) +(\S+)/m.exec(readFileSync(file, 'utf8')) ?? [];
    if (found !== undefined) return found;
  }
  throw new Error('No source of Debian packages is named in /etc/apt.');
}
