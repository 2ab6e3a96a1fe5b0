import type { Broker } from '../broker/broker.js';
import type { Clock } from '../process/runtime.js';
import type { LineTask, TaskStore } from '../store/store.js';
import type { Hints } from './hints.js';

export interface RepairDeps {
  tasks: Pick<TaskStore, 'readyFor'>;
  broker: Pick<Broker, 'depth'>;
  hints: Hints;
  clock: Clock;
}

/** One repair looks at this many of the tasks that have been ready longest. */
const MAX_LOOKED_AT = 500;
const MAX_BACKOFF = 30;

/**
 * Hints again for tasks that are ready but were not started. Each with its own doubling back-off, and never more
 * than the queue lacks: a backlog that waits for workers has its hints in the queue already.
 */
export class Repair {
  readonly #deps: RepairDeps;
  readonly #rehintMs: number;
  #due = new Map<string, { at: number; waitMs: number }>();

  constructor(deps: RepairDeps, rehintMs: number) {
    this.#deps = deps;
    this.#rehintMs = rehintMs;
  }

  /** Resolves with how many hints were sent. */
  async runOnce(): Promise<number> {
    const ready = await this.#deps.tasks.readyFor('worker', this.#rehintMs, MAX_LOOKED_AT);
    this.#forgetAllBut(ready);
    let sent = 0;
    for (const tasks of byDestination(ready).values()) sent += await this.#mend(tasks);
    return sent;
  }

  async #mend(tasks: LineTask[]): Promise<number> {
    const now = this.#deps.clock.monotonicMs();
    const overdue = tasks.filter(task => (this.#due.get(task.id)?.at ?? 0) <= now);
    const [first] = overdue;
    if (!first) return 0;
    const depth = await this.#deps.broker.depth(destinationOf(first));
    const lacking = Math.max(0, tasks.length - (depth?.messages ?? 0));
    for (const task of overdue.slice(0, lacking)) {
      const waitMs = Math.min((this.#due.get(task.id)?.waitMs ?? this.#rehintMs / 2) * 2, this.#rehintMs * MAX_BACKOFF);
      this.#due.set(task.id, { at: now + waitMs, waitMs });
      this.#deps.hints.start(task);
    }
    return Math.min(overdue.length, lacking);
  }

  #forgetAllBut(ready: readonly LineTask[]): void {
    const known = new Set(ready.map(task => task.id));
    this.#due = new Map([...this.#due].filter(([id]) => known.has(id)));
  }
}

function destinationOf(task: LineTask): { to: 'queue'; queue: string } | { to: 'worker'; worker: string } {
  const worker = task.grant?.worker;
  return worker === undefined ? { to: 'queue', queue: task.queue } : { to: 'worker', worker };
}

function byDestination(tasks: readonly LineTask[]): Map<string, LineTask[]> {
  const groups = new Map<string, LineTask[]>();
  for (const task of tasks) {
    const destination = destinationOf(task);
    const key = destination.to === 'queue' ? `queue ${destination.queue}` : `worker ${destination.worker}`;
    const group = groups.get(key);
    if (group) group.push(task);
    else groups.set(key, [task]);
  }
  return groups;
}
