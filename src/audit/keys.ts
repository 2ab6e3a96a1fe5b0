import { Column } from './column.js';

export interface Use {
  owner: number;
  /** A fingerprint of each. */
  details: number[];
}

/**
 * Finds what was used twice among millions of texts without keeping them: 85 bits of each. Two different texts of a million are taken for
 * one with a chance of 10⁻¹⁴.
 */
export class Keys {
  readonly #high = new Column('number');
  readonly #low = new Column('count');
  readonly #owner = new Column('count');
  readonly #details: Column[];

  /** `details`: how many texts come with each use, to tell the uses of one key apart. */
  constructor(details = 0) {
    this.#details = Array.from({ length: details }, () => new Column('count'));
  }

  add(key: string, owner: number, ...details: string[]): void {
    this.#high.push(hash(key, 0x9dc5_811c) * 2 ** 21 + (hash(key, 0x2545_f491) >>> 11));
    this.#low.push(hash(key, 0x68e3_1da4));
    this.#owner.push(owner);
    for (const [index, column] of this.#details.entries()) column.push(fingerprint(details[index] ?? ''));
  }

  /** Groups of two or more uses of one key. */
  *groups(): Generator<Use[]> {
    const sorted = this.#high.sorted((a, b) => this.#byKey(a, b) || a - b);
    let from = 0;
    for (let to = 1; to <= sorted.length; to++) {
      if (to < sorted.length && this.#byKey(sorted[from] ?? 0, sorted[to] ?? 0) === 0) continue;
      if (to - from > 1) yield Array.from(sorted.subarray(from, to), row => this.#get(row));
      from = to;
    }
  }

  #get(row: number): Use {
    return { owner: this.#owner.at(row), details: this.#details.map(column => column.at(row)) };
  }

  #byKey(a: number, b: number): number {
    return this.#high.at(a) - this.#high.at(b) || this.#low.at(a) - this.#low.at(b);
  }
}

/** As `details` of a use are given. */
export function fingerprint(text: string): number {
  return hash(text, 0x9dc5_811c);
}

/** FNV-1a, with the last word of MurmurHash3 so that similar texts differ in all bits; 32 bits. */
function hash(text: string, seed: number): number {
  let value = seed;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x0100_0193);
  value = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2_ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
