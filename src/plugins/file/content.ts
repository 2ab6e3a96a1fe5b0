import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, rmdir, stat, statfs, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { SyncFailure, codeOf } from './failure.js';
import type { Entry } from './manifest.js';

/** What a file must turn out to be before it is kept. `name` is for messages. */
export type Expected = Pick<Entry, 'name' | 'sha256' | 'size'>;

/**
 * Files by what is in them: `<data directory>/content/sha256/ab/cdef…`. A file is there whole and verified, or not at all: it is written
 * under `content/incoming/`, in the same file system, and renamed. Nothing here is ever changed, so readers need no lock.
 */
export class ContentStore {
  readonly #root: string;

  constructor(dataDirectory: string) {
    this.#root = join(dataDirectory, 'content');
  }

  pathOf(sha256: string): string {
    return join(this.#root, 'sha256', sha256.slice(0, 2), sha256.slice(2));
  }

  /** A file of another size is damaged, and counts as absent. */
  async has({ sha256, size }: Pick<Expected, 'sha256' | 'size'>): Promise<boolean> {
    try {
      const found = await stat(this.pathOf(sha256));
      return found.isFile() && found.size === size;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  /** Rejects with ENOENT when it is not there. The caller closes it. */
  open(sha256: string): Promise<FileHandle> {
    return open(this.pathOf(sha256), 'r');
  }

  /** Free bytes for ordinary users. */
  async free(): Promise<number> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(this.#root);
    return bavail * bsize;
  }

  /**
   * A folder for what one start of a task (`run` names it) receives, below one for its repository. The task holds the repository alone,
   * so whatever else stands there belongs to a start that was killed, and is removed.
   */
  async receive(repository: string, run: string): Promise<Incoming> {
    const ofRepository = join(this.#root, 'incoming', repository);
    await rm(ofRepository, { recursive: true, force: true });
    const folder = join(ofRepository, run);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new Incoming(this, folder);
  }
}

/** The unfinished files of one start of a task. */
export class Incoming {
  readonly #store: ContentStore;
  readonly #folder: string;

  constructor(store: ContentStore, folder: string) {
    this.#store = store;
    this.#folder = folder;
  }

  /**
   * Streams a file to disk and keeps it if it is what was expected. Throws SyncFailure SIZE_MISMATCH (at the first byte too many),
   * CHECKSUM_MISMATCH or DISK_FULL, and whatever `chunks` throws; then nothing of it is left. `received` hears of every chunk.
   */
  async put(
    expected: Expected,
    chunks: AsyncIterable<Uint8Array>,
    received: (bytes: number) => void = () => undefined,
  ): Promise<void> {
    const unfinished = join(this.#folder, expected.sha256);
    try {
      const file = await open(unfinished, 'w', 0o600);
      try {
        for await (const chunk of verified(chunks, expected, received)) await file.writeFile(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#keep(unfinished, expected.sha256);
    } catch (error) {
      await rm(unfinished, { force: true });
      if (['ENOSPC', 'EDQUOT'].includes(codeOf(error))) {
        throw new SyncFailure('DISK_FULL', `The disk was full while "${expected.name}" was written.`, { cause: error });
      }
      throw error;
    }
  }

  /** Also the repository's folder, unless a later start already has its own there. */
  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
    try {
      await rmdir(dirname(this.#folder));
    } catch (error) {
      if (!['ENOENT', 'ENOTEMPTY'].includes(codeOf(error))) throw error;
    }
  }

  /** The folder is synced too: a version that is recorded must not lose a file to a power cut. */
  async #keep(unfinished: string, sha256: string): Promise<void> {
    const path = this.#store.pathOf(sha256);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rename(unfinished, path);
    const folder = await open(dirname(path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

async function* verified(
  chunks: AsyncIterable<Uint8Array>,
  { name, sha256, size }: Expected,
  received: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > size) {
      throw new SyncFailure('SIZE_MISMATCH', `"${name}" is longer than the ${size} bytes that the manifest gives.`);
    }
    hash.update(chunk);
    received(chunk.length);
    yield chunk;
  }
  if (bytes < size) {
    throw new SyncFailure('SIZE_MISMATCH', `"${name}" ended after ${bytes} of the ${size} bytes that the manifest gives.`);
  }
  const found = hash.digest('hex');
  if (found !== sha256) {
    throw new SyncFailure('CHECKSUM_MISMATCH', `"${name}" has the sha256 ${found}; the manifest gives ${sha256}.`);
  }
}
