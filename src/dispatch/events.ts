import type { Broker } from '../broker/broker.js';
import { eventOf, progressOf, type Change, type EventSource } from '../core/event.js';
import type { ProgressReport } from '../core/task.js';
import type { Log } from '../process/log.js';
import type { Clock } from '../process/runtime.js';
import type { TaskStore } from '../store/store.js';

export interface EventsDeps {
  broker: Pick<Broker, 'emit'>;
  tasks: Pick<TaskStore, 'get'>;
  clock: Clock;
  log: Log;
}

/** Records that are still to be read. What is beyond is told by whoever compares with the database (docs/decisions/events.md). */
const MAX_WAITING = 500;

/**
 * Tells whoever listens what has changed, after the write that changed it is known. Nobody waits for it and nothing depends on it. Whoever has the record
 * at hand tells from that; only where there is nothing but an id is it read, in the background, one after another.
 */
export class Events {
  readonly #deps: EventsDeps;
  readonly #waiting = new Set<string>();
  #reading = false;

  constructor(deps: EventsDeps) {
    this.#deps = deps;
  }

  /** `task` is as the store gave it; `change`: what was written since. */
  changed(task: EventSource, change?: Change): void {
    const { broker, clock } = this.#deps;
    broker.emit(eventOf(task, clock.wall(), change));
  }

  reported(task: EventSource, progress: ProgressReport[]): void {
    const { broker, clock } = this.#deps;
    broker.emit(progressOf(task, clock.wall(), progress));
  }

  /** Tells of these as they are then. Returns at once. */
  look(ids: Iterable<string>): void {
    for (const id of ids) if (this.#waiting.size < MAX_WAITING) this.#waiting.add(id);
    if (!this.#reading && this.#waiting.size > 0) void this.#read();
  }

  async #read(): Promise<void> {
    const { tasks, log } = this.#deps;
    this.#reading = true;
    for (const id of this.#waiting) {
      this.#waiting.delete(id);
      try {
        const task = await tasks.get(id);
        if (task) this.changed(task);
      } catch (error) {
        log.debug('A change was not told: its record could not be read.', { taskId: id, err: error });
      }
    }
    this.#reading = false;
  }
}
