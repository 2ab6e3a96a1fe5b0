/**
 * Records by id or number. A record is a value: it is never changed, only replaced. So a copy of the pointers is a copy of the table.
 */
export class Table<T, K = string> {
  readonly #rows: Map<K, T>;
  readonly #readOnly: boolean;

  constructor(rows: Iterable<readonly [K, T]> = [], readOnly = false) {
    this.#rows = new Map(rows);
    this.#readOnly = readOnly;
  }

  get(id: K): T | undefined {
    return this.#rows.get(id);
  }

  /** In order of insertion. */
  values(): IterableIterator<T> {
    return this.#rows.values();
  }

  put(id: K, row: T): void {
    this.#refuseIfReadOnly();
    this.#rows.set(id, row);
  }

  /** Whether it was there. */
  delete(id: K): boolean {
    this.#refuseIfReadOnly();
    return this.#rows.delete(id);
  }

  snapshot(): Table<T, K> {
    return new Table(this.#rows, true);
  }

  #refuseIfReadOnly(): void {
    if (this.#readOnly) throw new TypeError('A snapshot is read only.');
  }
}
