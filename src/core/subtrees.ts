import { patternsAbove } from './subtree.js';

/**
 * Which names lie beneath a pattern. Knows nothing, and costs one check a name, as long as nobody asks; the first question builds it, and it is let go
 * when nobody has asked for as many changes as it has names.
 */
export class Subtrees {
  #beneath: Map<string, Set<string>> | undefined;
  #unasked = 0;
  readonly #names: ReadonlyMap<string, unknown>;

  /** `names`: all there are. */
  constructor(names: ReadonlyMap<string, unknown>) {
    this.#names = names;
  }

  add(name: string): void {
    if (!this.#beneath) return;
    for (const pattern of patternsAbove(name)) {
      const names = this.#beneath.get(pattern);
      if (names) names.add(name);
      else this.#beneath.set(pattern, new Set([name]));
    }
    this.#letGo();
  }

  delete(name: string): void {
    if (!this.#beneath) return;
    for (const pattern of patternsAbove(name)) {
      const names = this.#beneath.get(pattern);
      names?.delete(name);
      if (names?.size === 0) this.#beneath.delete(pattern);
    }
    this.#letGo();
  }

  /** The names that this pattern covers, itself excepted. */
  beneath(pattern: string): Iterable<string> {
    if (!this.#beneath) {
      this.#beneath = new Map();
      for (const name of this.#names.keys()) this.add(name);
    }
    this.#unasked = 0;
    return this.#beneath.get(pattern) ?? [];
  }

  #letGo(): void {
    if (++this.#unasked > this.#names.size + PATIENCE) this.#beneath = undefined;
  }
}

const PATIENCE = 1_000;
