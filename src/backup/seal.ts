import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { damaged, refused } from './damaged.js';
import { MANIFEST, readManifest, type Manifest } from './manifest.js';
import { digestOf, synced } from './part.js';

/** As `sha256sum -c` reads it. */
export const SUMS = 'SHA256SUMS';
/** A manifest has a hundred lines or so. */
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

/** The last two files of a backup. */
export async function seal(folder: string, manifest: Manifest): Promise<void> {
  const file = join(folder, MANIFEST);
  await writeFile(file, `${JSON.stringify(manifest, undefined, 2)}\n`, { flag: 'wx', mode: 0o600 });
  await synced(file);
  const { sha256 } = await digestOf(file, new AbortController().signal);
  const lines = [...manifest.parts, { path: MANIFEST, sha256 }].map(part => `${part.sha256}  ${part.path}\n`);
  await writeFile(join(folder, SUMS), lines.join(''), { flag: 'wx', mode: 0o600 });
  await synced(join(folder, SUMS));
}

export interface Checking {
  /** The newest schema that this version knows. */
  schema: number;
  signal: AbortSignal;
  note: (line: string) => void;
}

/** Every byte of a backup against its checksums; nothing missing, nothing besides. Throws InterlockError. Changes nothing. */
export async function checkSeal(folder: string, { schema, signal, note }: Checking): Promise<Manifest> {
  const manifest = readManifest(await manifestIn(folder), schema);
  const sums = readSums(await textOf(join(folder, SUMS), SUMS));
  const expected = new Map(manifest.parts.map(part => [part.path, part]));
  const names = new Set(await filesBelow(folder));
  for (const path of [...expected.keys(), MANIFEST, SUMS]) if (!names.has(path)) throw damaged(`${path} is missing`);
  for (const path of names)
    if (!expected.has(path) && path !== MANIFEST && path !== SUMS) throw damaged(`${path} does not belong to it`);
  if (sums.size !== expected.size + 1) throw damaged(`${SUMS} has ${sums.size} lines where ${expected.size + 1} should stand`);
  for (const path of [MANIFEST, ...expected.keys()]) {
    const found = await digestOf(join(folder, path), signal);
    const part = expected.get(path);
    if (part && found.bytes !== part.bytes) throw damaged(`${path} has ${found.bytes} bytes, not ${part.bytes}`);
    if (found.sha256 !== sums.get(path) || (part && part.sha256 !== found.sha256))
      throw damaged(`${path} does not have the checksum it had`);
    note(`checked ${path} (${found.bytes} bytes)`);
  }
  return manifest;
}

async function manifestIn(folder: string): Promise<string> {
  const found = await stat(folder).catch((error: unknown) => {
    throw refused(`There is no backup at ${folder}: ${(error as Error).message}.`);
  });
  if (!found.isDirectory()) throw refused(`There is no backup at ${folder}: it is no folder.`);
  const names = await readdir(folder);
  if (!names.includes(MANIFEST)) {
    throw refused(
      `${folder} holds no backup, or one that never came to its end: there is no ${MANIFEST} in it. Nothing was changed.`,
    );
  }
  return textOf(join(folder, MANIFEST), MANIFEST);
}

async function textOf(file: string, name: string): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) throw damaged(`${name} is missing`);
  if (found.size > MAX_MANIFEST_BYTES) throw damaged(`${name} has ${found.size} bytes`);
  return readFile(file, 'utf8');
}

function readSums(text: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split('\n').filter(each => each !== '')) {
    const [, sha256, path] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
    if (sha256 === undefined || path === undefined || sums.has(path)) throw damaged(`${SUMS} has a line that is none`);
    sums.set(path, sha256);
  }
  return sums;
}

/** Anything but plain files two levels deep was put there by somebody else. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory()) found.push(plainFile(entry.name, entry.isFile()));
    else
      for (const inner of await readdir(join(folder, entry.name), { withFileTypes: true }))
        found.push(plainFile(`${entry.name}/${inner.name}`, inner.isFile()));
  }
  return found;
}

function plainFile(name: string, isFile: boolean): string {
  if (!isFile) throw damaged(`${name} is no plain file`);
  return name;
}
