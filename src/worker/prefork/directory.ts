import { constants } from 'node:fs';
import { chmod, mkdir, open, opendir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';

/** For the owner alone: what a task writes may be secret. */
export const MODE = 0o700;

/** `<root>/<worker name>`. Throws TypeError for a name that is no single path segment. */
export function workerDirectoryOf(root: string, workerName: string): string {
  return path.resolve(root, segment(workerName));
}

/** The directory of one worker, and those of the tasks that it runs: `<worker>/<task id>`. */
export class WorkerDirectory {
  readonly path: string;

  /** `directory` is absolute. */
  constructor(directory: string) {
    this.path = directory;
  }

  /** Makes it anew: a leftover is deleted first. */
  async create(): Promise<void> {
    await mkdir(path.dirname(this.path), { recursive: true, mode: MODE });
    await this.delete();
    await mkdir(this.path, { mode: MODE });
  }

  /** Where permission is refused, the modes of the tree are repaired and it is tried once more. Symbolic links are never followed. */
  async delete(): Promise<void> {
    await remove(this.path);
  }

  async createTask(taskId: string): Promise<string> {
    const directory = path.join(this.path, segment(taskId));
    await mkdir(directory, { mode: MODE }).catch(async (error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
      await remove(directory); // of an earlier attempt
      await mkdir(directory, { mode: MODE });
    });
    return directory;
  }

  async deleteTask(taskId: string): Promise<void> {
    const directory = path.join(this.path, segment(taskId));
    // Most tasks leave it empty, and then one call does.
    await rmdir(directory).catch(() => remove(directory));
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
