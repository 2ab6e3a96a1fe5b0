import type { Broker } from '../broker/broker.js';
import { IDS_PER_HINT } from '../core/hint.js';
import type { Task } from '../core/task.js';

/** What a hint needs to know of a task. */
export type Hinted = Pick<Task, 'id' | 'queue' | 'state' | 'waitingFor' | 'grant'>;

/** Beyond this many ids the resource manager finds out by itself sooner than by reading them. */
const MAX_PENDING = 5_000;
const MAX_IN_FLIGHT = 4;

/**
 * Tells those concerned that a record has changed. Nothing waits for the broker and nothing depends on it: a hint that is lost
 * is mended by the pass of the resource manager, the query of an idle worker, and the sweep.
 */
export class Hints {
  readonly #broker: Pick<Broker, 'publish'>;
  readonly #changed = new Set<string>();
  #inFlight = 0;

  constructor(broker: Pick<Broker, 'publish'>) {
    this.#broker = broker;
  }

  /** For a task that was just accepted, granted, promoted or put back. */
  ready(task: Hinted): void {
    if (task.state !== 'waiting') return;
    if (task.waitingFor === 'worker') this.start(task);
    else if (task.waitingFor === 'resources') this.changed([task.id]);
  }

  start(task: Hinted): void {
    const worker = task.grant?.worker;
    const destination =
      worker === undefined ? ({ to: 'queue', queue: task.queue } as const) : ({ to: 'worker', worker } as const);
    void this.#broker.publish({ kind: 'start', task: task.id }, destination);
  }

  /** To the resource manager: read these again. Ids that gather while messages are away share the next one. */
  changed(ids: Iterable<string>): void {
    for (const id of ids) if (this.#changed.size < MAX_PENDING) this.#changed.add(id);
    while (this.#changed.size > 0 && this.#inFlight < MAX_IN_FLIGHT) void this.#sendChanged();
  }

  async #sendChanged(): Promise<void> {
    const tasks = [...this.#changed].slice(0, IDS_PER_HINT);
    for (const id of tasks) this.#changed.delete(id);
    this.#inFlight++;
    await this.#broker.publish({ kind: 'changed', tasks }, { to: 'resource-manager' });
    this.#inFlight--;
    this.changed([]);
  }
}
