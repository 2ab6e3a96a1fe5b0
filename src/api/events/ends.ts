import type { TaskEvent } from '../../core/event.js';
import { isFinal } from '../../core/state.js';
import type { Task } from '../../core/task.js';
import type { Clock } from '../../process/runtime.js';
import type { TaskStore } from '../../store/store.js';

/** Ends that a comparison has not seen are looked for so far back: those that were being written. */
const MARGIN_MS = 3_000;
/** After so long without an answer of the database nobody can say any more what was told. */
const BLIND_MS = 60_000;
/** Longer than any comparison looks back. */
const KEEP_MS = BLIND_MS + 30_000;
/** Ends that are read and told one by one; beyond that readers are asked to look for themselves. */
const MAX_READ = 100;

/**
 * Compares what was told with what has ended: a process may die between the write of an end and its event. An end that is still untold when the next
 * comparison comes was missed. The newest 10,000 ends are compared each time, which is a rate of 1,200 a second.
 */
export class Ends {
  readonly #tasks: Pick<TaskStore, 'endedWithin' | 'get'>;
  readonly #clock: Clock;
  /** Ids of ends that were told, and when. */
  readonly #told = new Map<string, number>();
  #suspects: string[] = [];
  #lookedAtMs: number;

  constructor(tasks: Pick<TaskStore, 'endedWithin' | 'get'>, clock: Clock) {
    this.#tasks = tasks;
    this.#clock = clock;
    this.#lookedAtMs = clock.monotonicMs();
  }

  note({ id, state }: Pick<TaskEvent, 'id' | 'state'>): void {
    if (!isFinal(state)) return;
    this.#told.delete(id); // those that were told last stand last
    this.#told.set(id, this.#clock.monotonicMs());
  }

  /** Tasks whose end was missed; undefined: too many to tell, or nobody knows. Throws StoreError. */
  async look(): Promise<Task[] | undefined> {
    const now = this.#clock.monotonicMs();
    const ids = await this.#tasks.endedWithin(Math.min(now - this.#lookedAtMs, BLIND_MS) + MARGIN_MS);
    const blind = now - this.#lookedAtMs > BLIND_MS;
    this.#lookedAtMs = now;
    this.#forgetOld(now);
    const missed = this.#suspects.filter(id => !this.#told.has(id));
    const untold = ids.filter(id => !this.#told.has(id) && !missed.includes(id));
    this.#suspects = [...missed, ...untold]; // should one of them not be read now, it is the next time
    if (!blind && missed.length <= MAX_READ) {
      const found = await this.#read(missed);
      this.#suspects = untold;
      return found;
    }
    this.#suspects = [];
    for (const id of [...missed, ...untold]) this.#told.set(id, now);
    return undefined;
  }

  async #read(ids: readonly string[]): Promise<Task[]> {
    const found: Task[] = [];
    for (const id of ids) {
      const task = await this.#tasks.get(id);
      if (task) found.push(task);
    }
    for (const id of ids) this.#told.set(id, this.#clock.monotonicMs());
    return found;
  }

  #forgetOld(now: number): void {
    for (const [id, at] of this.#told) {
      if (now - at < KEEP_MS) return;
      this.#told.delete(id);
    }
  }
}
