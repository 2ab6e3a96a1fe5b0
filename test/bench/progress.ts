import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Options } from './options.js';
import type { Result } from './scenario.js';
import type { Surroundings } from './surroundings.js';

const FILE = fileURLToPath(new URL('../../.interlock/bench/all.json', import.meta.url));

/** What `all` has measured so far. It takes more than an hour, so that an end in between should not cost what was done. */
export class Progress {
  readonly #file: string;
  /** Of what it is: the same code, machine and options give figures that may stand beside each other. */
  readonly #of: string;
  readonly #changed: boolean;

  constructor(options: Options, on: Surroundings, file = FILE) {
    this.#file = file;
    this.#changed = on.commit.endsWith('+');
    this.#of = JSON.stringify({ ...on, ...options, date: undefined, json: undefined, write: undefined, resume: undefined });
  }

  save(results: ReadonlyMap<string, readonly Result[]>): void {
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, JSON.stringify({ of: this.#of, results: [...results] }));
  }

  /** Throws Error with a sentence for the user when there is nothing that this could go on with. */
  load(): Map<string, readonly Result[]> {
    if (this.#changed)
      throw new Error('there is nothing to resume: files were changed since the commit, so nobody knows what was measured');
    if (!existsSync(this.#file)) throw new Error('there is nothing to resume: no scenario of `all` has ended yet');
    const { of, results } = JSON.parse(readFileSync(this.#file, 'utf8')) as { of: string; results: [string, Result[]][] };
    if (of !== this.#of) throw new Error(`there is nothing to resume: it was ${of} and would be ${this.#of}`);
    return new Map(results);
  }
}
