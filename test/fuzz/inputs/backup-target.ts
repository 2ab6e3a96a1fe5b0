import { lstat, mkdir, readdir, readlink, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { expect } from 'chai';

import { explained } from '../../../src/backup/damaged.js';
import { entriesOf, examine } from '../../../src/backup/examine.js';
import { onDisk } from '../../../src/backup/folders/names.js';
import { place } from '../../../src/backup/folders/place.js';
import type { Manifest } from '../../../src/backup/manifest.js';
import { restore, type RestoreDeps } from '../../../src/backup/restore.js';
import { InterlockError } from '../../../src/core/errors.js';
import { system } from '../../../src/process/system.js';
import type { ArchiveStore, Change } from '../../../src/store/archive.js';
import { changed } from '../../../src/store/mongo/archive/changed.js';
import { EXAMINING as HOW } from '../../support/backup.js';

interface Touched {
  marked: boolean;
}

/** What comes behind it would replace what is there. */
class Through extends Error {}

/** A deployment that a backup is to be restored into, as far as nothing of it is replaced. */
export class Target {
  readonly #directory: string;
  readonly #root: string;

  /** `directory`: of the backup. `root`: a folder that is there and has nothing in it. */
  constructor(directory: string, root: string) {
    this.#directory = directory;
    this.#root = root;
  }

  /** The manifest of one that can be restored; undefined: it was refused, in a sentence. Anything else is thrown. */
  async examined(): Promise<Manifest | undefined> {
    try {
      return await examine(this.#directory, HOW);
    } catch (error) {
      refusalIn(explained(error, 'The restore failed'));
      return undefined;
    }
  }

  /** What was found sound is not refused any more when something was changed. */
  async restored(how: { requeue: boolean; databaseOnly: boolean }): Promise<void> {
    const touched = { marked: false };
    const work = restore(this.#deps(how.databaseOnly, touched), this.#directory, { ...how, replace: false });
    const error: unknown = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error instanceof Through) return;
    if (touched.marked) throw error instanceof Error ? error : new Error('it is through');
    refusalIn(error);
  }

  /** Puts the files of one that was found sound into a folder, and nothing anywhere else. */
  async placed({ folders }: Manifest): Promise<void> {
    for (const part of folders.filter(({ kind }) => kind === 'content' || kind === 'work')) {
      const into = join(this.#root, 'into');
      await rm(into, { recursive: true, force: true }); // of a case that failed
      await mkdir(into);
      const placing = { root: into, signal: HOW.signal };
      await place(entriesOf(this.#directory, part), placing).catch((error: unknown) =>
        refusalIn(explained(error, 'The restore failed')),
      );
      expect(await readdir(this.#root), 'beside the folder').to.deep.equal(['into']);
      for (const link of await linksIn(into)) expect(`${link}/`).to.satisfy((path: string) => path.startsWith(`${into}/`));
      await rm(into, { recursive: true });
    }
  }

  #deps(databaseOnly: boolean, touched: Touched): RestoreDeps {
    const topology = (...lists: (readonly string[])[]): Promise<boolean> => {
      for (const name of lists.flat()) expect(name).to.be.a('string').with.property('length').that.is.above(0);
      return Promise.resolve(true);
    };
    return {
      ...HOW,
      ...{ archive: this.#archive(databaseOnly, touched), topology, processes: { list: () => Promise.resolve([]) } },
      ...{ timing: { heartbeatMs: 1, watchMs: 1, ttlMs: 1 }, runtime: system, by: 'fuzz' },
      roots: { content: join(this.#root, 'content'), work: join(this.#root, 'work') },
    };
  }

  /** Files are put in their place by a restore that is let past the mark; a database alone goes on until it would be switched. */
  #archive(databaseOnly: boolean, touched: Touched): ArchiveStore {
    const given = { seq: 0, fence: 0, epoch: 0, generation: 0 };
    return {
      database: 'interlock',
      snapshot: () => expect.fail('nothing is backed up'),
      standing: () => Promise.resolve({ now: new Date(), occupied: [], given }),
      mark: () => (databaseOnly ? Promise.resolve(void (touched.marked = true)) : Promise.reject(new Through())),
      load: async (name, batches, change) => {
        for (const number of [change.seqShift, ...numbersOf(change)]) expect(number).to.satisfy(Number.isSafeInteger);
        let documents = 0;
        for await (const batch of batches) {
          for (const bytes of batch) soundly(name, bytes, change);
          documents += batch.length;
        }
        return { documents, canceled: 0, requeued: 0 };
      },
      switchOver: () => Promise.reject(new Through()),
      abandon: () => Promise.resolve(),
      unmark: () => Promise.resolve(),
    };
  }
}

const numbersOf = ({ given }: Change): number[] => [given.seq, given.fence, given.epoch, given.generation];

function soundly(name: string, bytes: Uint8Array, change: Change): void {
  const { document, fate } = changed(name, bytes, change);
  expect(document).to.be.an('object');
  if (fate === 'requeued') expect(document.seq).to.be.above(change.seqShift);
}

/** Throws what is none. */
function refusalIn(error: unknown): void {
  if (!(error instanceof InterlockError) || error.code !== 'CONFLICT') throw error;
  expect(error.message.length).to.be.within(10, 6_000);
}

/** Where each leads. Names are bytes, here texts of one character a byte. */
async function linksIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, ...entry } of await entriesIn(folder)) {
    const path = `${folder}/${name}`;
    if (entry.isFolder) found.push(...(await linksIn(path)));
    else if (entry.isLink) found.push(resolve(folder, (await readlink(onDisk(path), 'buffer')).toString('latin1')));
  }
  return found;
}

async function entriesIn(folder: string): Promise<{ name: string; isFolder: boolean; isLink: boolean }[]> {
  const names = await readdir(onDisk(folder), { encoding: 'buffer' });
  return Promise.all(
    names.map(async bytes => {
      const name = bytes.toString('latin1');
      const found = await lstat(onDisk(`${folder}/${name}`));
      return { name, isFolder: found.isDirectory(), isLink: found.isSymbolicLink() };
    }),
  );
}
