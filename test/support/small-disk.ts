import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { leaveOut } from './left-out.js';

/** Mounts it and waits: it is unmounted when this ends, and this ends with whoever started it. */
const KEEP = 'mount -t tmpfs -o size="$1" tmpfs "$2" && echo mounted && cat >/dev/null; umount -l "$2"; rmdir "$2"';
const TRY = 'd=$(mktemp -d) && mount -t tmpfs -o size=64k tmpfs "$d"; ended=$?; umount "$d"; rmdir "$d"; exit $ended';

/**
 * `describe` of what needs one: root may mount it, also as which others run in a user namespace of their own (`scripts/test.mjs` puts them there). Where
 * that is not to be had either its tests are pending, and the run says so in the end.
 */
export function onSmallDisk(title: string, tests: (this: Mocha.Suite) => void): void {
  const suite = describe(title, tests);
  const { status } = spawnSync('sh', ['-c', TRY], { stdio: 'ignore' });
  if (status !== 0) leaveOut(suite, 'nobody may mount a tmpfs here, neither this user nor `unshare -Urm`');
}

/** A file system in memory that is soon full. */
export class SmallDisk {
  readonly path: string;
  readonly #keeper: ChildProcess;

  private constructor(path: string, keeper: ChildProcess) {
    this.path = path;
    this.#keeper = keeper;
  }

  /** @param size as `mount` takes it: `300m` */
  static async make(size: string): Promise<SmallDisk> {
    const path = await mkdtemp(join(tmpdir(), 'interlock-disk-'));
    const keeper = spawn('sh', ['-c', KEEP, 'sh', size, path], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    const [said] = (await Promise.race([once(keeper.stdout, 'data'), once(keeper, 'exit')])) as [unknown];
    if (!String(said).includes('mounted'))
      throw new Error(`no file system of ${size} could be mounted: exit code ${String(said)}`);
    return new SmallDisk(path, keeper);
  }

  /** Takes what is left of it, to the last byte. */

  /** Takes what is left of it, to the last byte. */
  fill(): void {
    const file = openSync(join(this.path, 'filler'), 'a');
    try {
      for (let size = 1_048_576; size >= 1; size = Math.floor(size / 4)) while (wrote(file, size));
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(join(this.path, 'filler'), { force: true });
  }

  async remove(): Promise<void> {
    this.#keeper.stdin?.end();
    if (this.#keeper.exitCode === null) await once(this.#keeper, 'exit');
  }
}

/** Whether there was room for so many bytes. */
function wrote(file: number, size: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(size, 1)) > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
