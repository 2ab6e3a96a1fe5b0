const FIRST = 1_024;
/** Bytes of one number: what is counted needs 4, times and fences 8, yes or no 1. */
const KINDS = { number: Float64Array, count: Uint32Array, flag: Uint8Array } as const;
type Kind = keyof typeof KINDS;

/** Numbers in a row: a million records are checked in the memory that a hundred thousand objects would take. */
export class Column {
  readonly #kind: Kind;
  #values: Float64Array | Uint32Array | Uint8Array;
  #length = 0;

  constructor(kind: Kind) {
    this.#kind = kind;
    this.#values = new KINDS[kind](FIRST);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) this.#grow();
    this.#values[this.#length++] = value;
  }

  at(row: number): number {
    return this.#values[row] ?? NaN;
  }

  /** Every row, as `before` puts them. */
  sorted(before: (a: number, b: number) => number): Uint32Array {
    const rows = new Uint32Array(this.#length);
    for (let row = 0; row < rows.length; row++) rows[row] = row;
    return rows.sort(before);
  }

  #grow(): void {
    const larger = new KINDS[this.#kind](Math.ceil(this.#values.length * 1.5));
    larger.set(this.#values);
    this.#values = larger;
  }
}

/** Names as numbers, from 0. */
export class Names {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];

  get size(): number {
    return this.#names.length;
  }

  number(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.#names.length);
    return this.#names.push(name) - 1;
  }

  name(number: number): string {
    return this.#names[number] ?? '';
  }
}
