import type { Broker, Destination } from '../broker/broker.js';
import type { Clock } from '../process/runtime.js';
import type { LineTask, TaskStore } from '../store/store.js';
import { destinationOf, type Hints } from './hints.js';

export interface RepairDeps {
  tasks: Pick<TaskStore, 'readyFor'>;
  broker: Pick<Broker, 'depth'>;
  hints: Hints;
  clock: Clock;
}

/** A repair looks at this many of the tasks that have been ready longest … */
const GLANCE = 500;
/** … and where their queues lacked hints, at this many: as much as 1,000 starts a second use up until the next sweep. */
const MAX_LOOKED_AT = 5_000;
const MAX_BACKOFF = 30;

/**
 * Hints again for tasks that are ready but were not started. Each with its own doubling back-off, and never more than the queue lacks:
 * a backlog that waits for workers has its hints in the queue already. A hint is worth as much as any other of its queue, so that only
 * their number counts. Run by one beat at a time: several would each send what is lacking (docs/decisions/hints.md).
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
    const glanced = await this.#look(GLANCE);
    if (glanced.sent === 0 || glanced.seen < GLANCE) return glanced.sent;
    return glanced.sent + (await this.#look(MAX_LOOKED_AT)).sent;
  }

  async #look(limit: number): Promise<{ seen: number; sent: number }> {
    const ready = await this.#deps.tasks.readyFor('worker', this.#rehintMs, limit);
    this.#forgetAllBut(ready);
    let sent = 0;
    for (const tasks of byDestination(ready).values()) sent += await this.#mend(tasks);
    return { seen: ready.length, sent };
  }

  async #mend(tasks: LineTask[]): Promise<number> {
    const now = this.#deps.clock.monotonicMs();
    const overdue = tasks.filter(task => (this.#due.get(task.id)?.at ?? 0) <= now);
    const [first] = overdue;
    if (!first) return 0;
    const destination = destinationOf(first);
    const there = await this.#messages(destination);
    if (there !== undefined) return this.#hint(overdue.slice(0, Math.max(0, tasks.length - there)), now);
    // No such queue, or no word of it: a single hint declares it, and shows whether others would arrive.
    if ((await this.#hint([first], now)) === 0) return 0;
    const thereNow = await this.#messages(destination);
    return 1 + (thereNow === undefined ? 0 : await this.#hint(overdue.slice(1, 1 + Math.max(0, tasks.length - thereNow)), now));
  }

  async #messages(destination: Destination): Promise<number | undefined> {
    return (await this.#deps.broker.depth(destination))?.messages;
  }

  async #hint(tasks: LineTask[], now: number): Promise<number> {
    const sent = await this.#deps.hints.startAll(tasks);
    for (const { id } of tasks.slice(0, sent)) {
      const waitMs = Math.min((this.#due.get(id)?.waitMs ?? this.#rehintMs / 2) * 2, this.#rehintMs * MAX_BACKOFF);
      this.#due.set(id, { at: now + waitMs, waitMs });
    }
    return sent;
  }

  #forgetAllBut(ready: readonly LineTask[]): void {
    const known = new Set(ready.map(task => task.id));
    this.#due = new Map([...this.#due].filter(([id]) => known.has(id)));
  }
}

function byDestination(tasks: readonly LineTask[]): Map<string, LineTask[]> {
  const groups = new Map<string, LineTask[]>();
  for (const task of tasks) {
    const key = JSON.stringify(destinationOf(task));
    const group = groups.get(key);
    if (group) group.push(task);
    else groups.set(key, [task]);
  }
  return groups;
}
