import { Column } from './column.js';

/**
 * Finds what was used twice among millions of texts without keeping them: 85 bits of each. Two different texts of a million are taken for
 * one with a chance of 10⁻¹⁴.
 */
export class Keys {
  readonly #high = new Column('number');
  readonly #low = new Column('count');
  readonly #owner = new Column('count');
  readonly #detail = new Column('count');

  /** `detail`: what all uses of one key must have in common, where it may be used more than once. */
  add(key: string, owner: number, detail = ''): void {
    this.#high.push(hash(key, 0x9dc5_811c) * 2 ** 21 + (hash(key, 0x2545_f491) >>> 11));
    this.#low.push(hash(key, 0x68e3_1da4));
    this.#owner.push(owner);
    this.#detail.push(hash(detail, 0x9dc5_811c));
  }

  /** Groups of two or more uses of one key. */
  *groups(): Generator<{ owner: number; detail: number }[]> {
    const sorted = this.#high.sorted((a, b) => this.#byKey(a, b) || a - b);
    let from = 0;
    for (let to = 1; to <= sorted.length; to++) {
      if (to < sorted.length && this.#byKey(sorted[from] ?? 0, sorted[to] ?? 0) === 0) continue;
      if (to - from > 1) yield Array.from(sorted.subarray(from, to), row => this.#get(row));
      from = to;
    }
  }

  #get(row: number): { owner: number; detail: number } {
    return { owner: this.#owner.at(row), detail: this.#detail.at(row) };
  }

  #byKey(a: number, b: number): number {
    return this.#high.at(a) - this.#high.at(b) || this.#low.at(a) - this.#low.at(b);
  }
}

/** FNV-1a, with the last word of MurmurHash3 so that similar texts differ in all bits; 32 bits. */
function hash(text: string, seed: number): number {
  let value = seed;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x0100_0193);
  value = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2_ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
