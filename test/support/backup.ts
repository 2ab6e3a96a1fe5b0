import { mkdtemp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

import { BSON } from 'mongodb';

import { backup, type BackupDeps, type BackupReport } from '../../src/backup/backup.js';
import type { Manifest } from '../../src/backup/manifest.js';
import type { Examining } from '../../src/backup/examine.js';
import { digestOf } from '../../src/backup/part.js';
import { seal } from '../../src/backup/seal.js';
import type { Snapshot } from '../../src/store/archive.js';
import { flawOfBytes } from '../../src/store/mongo/archive/changed.js';
import { system } from '../../src/process/system.js';

export const CUT_AT = new Date('2026-01-31T12:00:00.000Z');
export const GIVEN = { seq: 12, fence: 30, epoch: 4, generation: 1 };

export const EXAMINING: Examining = {
  ...{ schema: 1, clock: system.clock, flawOf: flawOfBytes, note: () => undefined },
  signal: new AbortController().signal,
};

/** A database of so many documents, that nobody has to run. */
export function snapshotOf(collections: Record<string, object[]>): Snapshot {
  return {
    ...{ at: CUT_AT, moment: '1:1', schema: 1, given: GIVEN, leftOut: [] },
    collections: Object.keys(collections),
    queues: () => Promise.resolve(['default']),
    workers: () => Promise.resolve(['w1']),
    documents: async function* (name) {
      yield await Promise.resolve((collections[name] ?? []).map(document => BSON.serialize(document)));
    },
    close: () => Promise.resolve(),
  };
}

/** A folder with something of everything in it, and a backup of that. Remove it with `remove`. */
export class BackedUp {
  readonly root: string;
  readonly notes: string[] = [];

  private constructor(root: string) {
    this.root = root;
  }

  static async create(): Promise<BackedUp> {
    const made = new BackedUp(await mkdtemp(join(tmpdir(), 'interlock-backup-')));
    await mkdir(join(made.content, 'sub'), { recursive: true });
    await writeFile(join(made.content, 'sub/file'), 'x'.repeat(3_000), { mode: 0o640 });
    await symlink('file', join(made.content, 'sub/link'));
    await mkdir(join(made.root, 'etc'));
    await writeFile(join(made.root, 'etc/settings.json'), '{}');
    return made;
  }

  get content(): string {
    return join(this.root, 'content');
  }

  get directory(): string {
    return join(this.root, 'backup');
  }

  take(change: Partial<BackupDeps> = {}): Promise<BackupReport> {
    const tasks = [{ _id: 'a', state: 'completed', seq: 1 }];
    return backup(
      {
        archive: { database: 'interlock', snapshot: () => Promise.resolve(snapshotOf({ tasks, meta: [{ _id: 'deployment' }] })) },
        inventory: () => Promise.resolve(undefined),
        sources: [
          { kind: 'settings', root: '/', tops: [join(this.root, 'etc').slice(1)] },
          { kind: 'content', root: this.content, tops: [''] },
        ],
        inForce: { 'mongo.url': 'mongodb://secret@x' },
        versions: { interlock: '0.1.0', node: '20', mongo: '7' },
        clock: system.clock,
        note: line => void this.notes.push(line),
        signal: new AbortController().signal,
        ...change,
      },
      this.directory,
    );
  }

  async manifest(): Promise<Manifest> {
    return JSON.parse(await readFile(join(this.directory, 'manifest.json'), 'utf8')) as Manifest;
  }

  /** What somebody writes who knows how a backup is made: other content, and the checksums for it. */
  async forge(
    path: string,
    change: (content: Buffer) => Buffer,
    manifestChange: (manifest: Manifest) => void = () => undefined,
  ): Promise<void> {
    const file = join(this.directory, path);
    await writeFile(file, gzipSync(change(gunzipSync(await readFile(file)))));
    await this.reseal(async manifest => {
      Object.assign(
        manifest.parts.find(part => part.path === path)!,
        await digestOf(file, new AbortController().signal),
      );
      manifestChange(manifest);
    });
  }

  async reseal(change: (manifest: Manifest) => unknown): Promise<void> {
    const manifest = await this.manifest();
    await change(manifest);
    for (const name of ['manifest.json', 'SHA256SUMS']) await rm(join(this.directory, name));
    await seal(this.directory, manifest);
  }

  remove(): Promise<void> {
    return rm(this.root, { recursive: true, force: true });
  }
}
