interface Event {
  atMs: number;
  order: number;
  work: () => void;
}

/**
 * Simulated time: events happen one after another in the order of their times, and whatever code they wake has come to rest before the next
 * one. Between two events no time passes, so a run is decided by its events alone.
 */
export class Scheduler {
  nowMs = 0;
  steps = 0;
  readonly #heap: Event[] = [];
  #order = 0;

  at(atMs: number, work: () => void): void {
    const event = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, work };
    const heap = this.#heap;
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = event;
  }

  after(ms: number, work: () => void): void {
    this.at(this.nowMs + ms, work);
  }

  /** Runs until `over` says so, simulated time is up, or `maxSteps` events have happened. Resolves with which of them it was. */
  run(over: () => boolean, untilMs: number, maxSteps: number): Promise<'over' | 'time' | 'steps'> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          if (over()) return resolve('over');
          const next = this.#heap[0];
          if (!next || next.atMs > untilMs) return resolve('time');
          if (this.steps >= maxSteps) return resolve('steps');
          this.#pop();
          this.nowMs = next.atMs;
          this.steps++;
          next.work();
        } catch (error) {
          return reject(error instanceof Error ? error : new Error(String(error)));
        }
        // All promises that the event has settled are followed up before the next immediate runs.
        setImmediate(turn);
      };
      setImmediate(turn);
    });
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
