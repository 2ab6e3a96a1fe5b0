const FIRST = 1_024;

/** Numbers in a row, 8 bytes each: a million records are checked in the memory that a hundred thousand objects would take. */
export class Column {
  #values = new Float64Array(FIRST);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    this.#reach(this.#length + 1);
    this.#values[this.#length++] = value;
  }

  at(row: number): number {
    return this.#values[row] ?? NaN;
  }

  /** Every row, as `before` puts them. */
  sorted(before: (a: number, b: number) => number): Uint32Array {
    const rows = Uint32Array.from({ length: this.#length }, (_, row) => row);
    return rows.sort(before);
  }

  #reach(length: number): void {
    if (length <= this.#values.length) return;
    const larger = new Float64Array(this.#values.length * 2);
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
