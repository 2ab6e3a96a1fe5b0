import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

import type { Manifest } from '../../../src/backup/manifest.js';
import { digestOf } from '../../../src/backup/part.js';
import { snapshotOf, type BackedUp } from '../../support/backup.js';
import { editedArchive, type Edit } from './archive.js';
import { DOCUMENTS, documentOf } from './backup-documents.js';
import { damaged, type Damage } from './garble.js';

/** What is done to a backup. Whoever knows how one is made gives it the right checksums, in all but the first. */
export type Forgery =
  | { what: 'sealed'; file: number; damage: Damage }
  | { what: 'packed'; file: number; damage: Damage; more: 'nothing' | 'itself' | 'zeros' | 'another' }
  | { what: 'bomb'; file: number; damage: Damage }
  | { what: 'archive'; file: number; edits: Edit[]; honest: boolean }
  | { what: 'document'; file: number; text: Buffer; damage: Damage }
  | { what: 'record'; file: number; text: Buffer }
  | { what: 'manifest'; text: Buffer };
type OfAPart = Exclude<Forgery, { what: 'manifest' }>;

/** Which parts of a backup it is done to. */
const FOLDERS: Partial<Record<Forgery['what'], RegExp>> = {
  archive: /^files/,
  document: /^database/,
  record: /^(broker|settings)/,
};
/** More than any record may have, and less than what a machine has. */
const BOMB_BYTES = 80 * 1_048_576;

/** A sound backup, each file of it in memory, and forgeries of it in its place. */
export class Forge {
  readonly #backed: BackedUp;
  readonly #files = new Map<string, Buffer>();
  #manifest!: Manifest;
  /** By the last forgery. */
  #changed: string[] = [];

  constructor(backed: BackedUp) {
    this.#backed = backed;
  }

  async open(): Promise<this> {
    const archive = { database: 'interlock', snapshot: () => Promise.resolve(snapshotOf(DOCUMENTS)) };
    await this.#backed.take({ archive });
    this.#manifest = await this.#backed.manifest();
    for (const path of [...this.#manifest.parts.map(part => part.path), 'manifest.json', 'SHA256SUMS'])
      this.#files.set(path, await readFile(this.#at(path)));
    return this;
  }

  get manifest(): Manifest {
    return this.#manifest;
  }

  /** What a part holds, unpacked. */
  content(path: string): Buffer {
    return gunzipSync(this.#files.get(path)!);
  }

  /** Returns the path of the file that is another one now. Whatever the last one changed is as it was. */
  async make(forgery: Forgery): Promise<string> {
    for (const path of this.#changed) await writeFile(this.#at(path), this.#files.get(path)!);
    this.#changed = ['manifest.json', 'SHA256SUMS'];
    if (forgery.what === 'manifest') {
      await this.#seal(forgery.text, this.#manifest);
      return 'manifest.json';
    }
    const path = this.#chosen(forgery);
    this.#changed.push(path);
    const manifest = structuredClone(this.#manifest);
    await writeFile(this.#at(path), this.#bytes(path, forgery, manifest));
    if (forgery.what === 'sealed') return path;
    const digest = await digestOf(this.#at(path), new AbortController().signal);
    Object.assign(
      manifest.parts.find(part => part.path === path)!,
      digest,
    );
    await this.#seal(Buffer.from(JSON.stringify(manifest)), manifest);
    return path;
  }

  /** Whether a file stands there as it did in the sound one. */
  async isSound(path: string): Promise<boolean> {
    return this.#files.get(path)!.equals(await readFile(this.#at(path)));
  }

  #at(path: string): string {
    return join(this.#backed.directory, path);
  }

  #chosen({ what, file }: OfAPart): string {
    const all = [...this.#files.keys()].slice(0, what === 'sealed' ? undefined : -2);
    const fitting = all.filter(path => FOLDERS[what]?.test(path) ?? true);
    return fitting[file % fitting.length]!;
  }

  #bytes(path: string, forgery: OfAPart, manifest: Manifest): Buffer {
    const sound = this.#files.get(path)!;
    switch (forgery.what) {
      case 'sealed':
        return damaged(sound, forgery.damage);
      case 'packed':
        return Buffer.concat([damaged(sound, forgery.damage), this.#more(path, forgery.more)]);
      case 'bomb':
        return gzipSync(Buffer.alloc(BOMB_BYTES, forgery.damage.byte), { level: 1 });
      case 'record':
        return gzipSync(forgery.text);
      case 'document':
        manifest.database.collections.find(each => each.path === path)!.documents += 1;
        return gzipSync(Buffer.concat([this.content(path), damaged(documentOf(forgery.text), forgery.damage)]));
      case 'archive': {
        const { bytes, entries } = editedArchive(this.content(path), forgery.edits);
        if (forgery.honest) manifest.folders.find(part => part.path === path)!.entries = entries;
        return gzipSync(bytes);
      }
    }
  }

  #more(path: string, more: Extract<Forgery, { what: 'packed' }>['more']): Buffer {
    if (more === 'itself') return this.#files.get(path)!;
    if (more === 'zeros') return Buffer.alloc(700);
    return more === 'another' ? gzipSync('{"queues": []}') : Buffer.alloc(0);
  }

  /** `manifest` says which checksums stand beside this text; `seal` itself waits for the disk. */
  async #seal(text: Buffer, { parts }: Manifest): Promise<void> {
    await writeFile(this.#at('manifest.json'), text);
    const own = await digestOf(this.#at('manifest.json'), new AbortController().signal);
    const lines = [...parts, { ...own, path: 'manifest.json' }].map(({ sha256, path }) => `${sha256}  ${path}\n`);
    await writeFile(this.#at('SHA256SUMS'), lines.join(''));
  }
}
