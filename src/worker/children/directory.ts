import { constants } from 'node:fs';
import { chmod, mkdir, open, opendir, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';

/** For the owner alone: what a task writes may be secret. */
export const MODE = 0o700;

/** `<root>/<worker name>`. Throws TypeError for a name that is no single path segment. */
export function workerDirectoryOf(root: string, workerName: string): string {
  return path.resolve(root, segment(workerName));
}

export interface TaskDirectory {
  path: string;
  /** Out of the way when it resolves; its contents are deleted afterwards. Leaves alone what a later start of the task has in its place. */
  remove(): Promise<void>;
}

/** Trees that are deleted at once; a task that leaves one more waits until another is gone, so that no heap grows on the disk. */
const MAX_DELETING = 8;

/** The directory of one worker, and those of the tasks that it runs: `<worker>/<task id>`. */
export class WorkerDirectory {
  readonly path: string;
  readonly #onTrouble: (error: unknown) => void;
  /** Whose directory stands under the id of a task. */
  readonly #owners = new Map<string, symbol>();
  readonly #deleting = new Set<Promise<void>>();
  #turn: Promise<unknown> = Promise.resolve();
  #discarded = 0;

  /** `directory` is absolute. `onTrouble` hears of contents that could not be deleted. */
  constructor(directory: string, onTrouble: (error: unknown) => void = () => undefined) {
    this.path = directory;
    this.#onTrouble = onTrouble;
  }

  /** Makes it anew: a leftover is deleted first. */
  async create(): Promise<void> {
    await mkdir(path.dirname(this.path), { recursive: true, mode: MODE });
    await this.delete();
    await mkdir(this.path, { mode: MODE });
  }

  /** Where permission is refused, the modes of the tree are repaired and it is tried once more. Symbolic links are never followed. */
  async delete(): Promise<void> {
    await Promise.all(this.#deleting);
    await remove(this.path);
  }

  /** Empty, even while an earlier start's is still being deleted. */
  async createTask(taskId: string): Promise<TaskDirectory> {
    const directory = path.join(this.path, segment(taskId));
    const owner = Symbol(taskId);
    await this.#inTurn(async () => {
      await mkdir(directory, { mode: MODE }).catch(async (error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw error;
        await this.#discard(directory); // of an earlier start
        await mkdir(directory, { mode: MODE });
      });
      this.#owners.set(taskId, owner);
    });
    return { path: directory, remove: () => this.#removeTask(taskId, owner) };
  }

  async #removeTask(taskId: string, owner: symbol): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#owners.get(taskId) !== owner) return;
      this.#owners.delete(taskId);
      const directory = path.join(this.path, taskId);
      // Most tasks leave it empty, and then one call does.
      await rmdir(directory).catch(() => this.#discard(directory));
    });
    while (this.#deleting.size > MAX_DELETING) await Promise.race(this.#deleting);
  }

  /** A new name is a matter of a moment, whatever is in it, and in the same folder it needs no right to the tree itself. */
  async #discard(directory: string): Promise<void> {
    const trash = `${directory}.${++this.#discarded}.trash`;
    await rename(directory, trash).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
    const deleting = remove(trash)
      .catch(this.#onTrouble)
      .finally(() => this.#deleting.delete(deleting));
    this.#deleting.add(deleting);
  }

  /** Moves of names, one after the other: two threads would carry them out in any order. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined); // the asker hears of the error
    return result;
  }
}

async function remove(target: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 3 };
  try {
    await rm(target, options);
  } catch (error) {
    if (codeOf(error) !== 'EACCES' && codeOf(error) !== 'EPERM') throw error;
    await repairModes(target);
    await rm(target, options);
  }
}

/** Linux' O_PATH, which Node does not name: names a file without a right to read it. */
const O_PATH = 0o10000000;

/** Gives the owner back what he needs to delete: all rights on each directory. What has become a link meanwhile is left alone. */
async function repairModes(directory: string): Promise<void> {
  const handle = await open(directory, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch(() => undefined);
  if (!handle) return;
  try {
    await chmod(`/proc/self/fd/${handle.fd}`, MODE); // fchmod refuses an O_PATH descriptor
  } finally {
    await handle.close();
  }
  for await (const entry of await opendir(directory)) {
    if (entry.isDirectory()) await repairModes(path.join(directory, entry.name));
  }
}

function segment(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
    throw new TypeError(`${JSON.stringify(name)} cannot name a directory.`);
  }
  return name;
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
