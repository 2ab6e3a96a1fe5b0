/** A binary heap of numbered things: the smallest number first. */
export class ReadyQueue<T extends { readonly seq: number }> {
  readonly #heap: T[] = [];

  get size(): number {
    return this.#heap.length;
  }

  get first(): T | undefined {
    return this.#heap[0];
  }

  push(item: T): void {
    const heap = this.#heap;
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#at(parent).seq <= item.seq) break;
      heap[at] = this.#at(parent);
      at = parent;
    }
    heap[at] = item;
  }

  pop(): T | undefined {
    const top = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#sink(last);
    return top;
  }

  #sink(item: T): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#at(child + 1).seq < this.#at(child).seq) child++;
      if (this.#at(child).seq >= item.seq) break;
      heap[at] = this.#at(child);
      at = child;
    }
    heap[at] = item;
  }

  #at(index: number): T {
    const item = this.#heap[index];
    if (item === undefined) throw new RangeError(`no item ${index} in a heap of ${this.#heap.length}`);
    return item;
  }
}
