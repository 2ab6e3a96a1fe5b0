import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Mutant } from './mutant.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COPIED = ['src', 'test', 'package.json', 'tsconfig.json'];

/** A copy of the sources in which one thing at a time is broken. The packages are those of the original. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), 'interlock-mutants-'));

  constructor() {
    for (const name of COPIED) cpSync(join(ROOT, name), join(this.folder, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
  }

  /** Breaks the copy and gives what mends it. Throws when the text is not there exactly once: the catalogue is out of date. */
  apply({ name, file, find, replace }: Mutant): () => void {
    const path = join(this.folder, file);
    const original = readFileSync(path, 'utf8');
    const occurrences = original.split(find).length - 1;
    if (occurrences !== 1) throw new Error(`mutant "${name}": its text occurs ${occurrences} times in ${file}, not once`);
    writeFileSync(
      path,
      original.replace(find, () => replace),
    );
    return () => writeFileSync(path, original);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
