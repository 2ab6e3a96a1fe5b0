import { InterlockError } from '../core/errors.js';
import type { Log } from '../process/log.js';
import type { Clock } from '../process/runtime.js';
import type { TaskStore } from '../store/store.js';
import { gated, type Accepting } from './gate.js';

interface Deps {
  tasks: Pick<TaskStore, 'count'>;
  clock: Clock;
  log: Log;
  /** 0: any number. */
  limit: number;
  /** Hears of each time that something was refused. */
  refused: () => void;
}

/** How long a count is believed: while less than half of the limit is open, and above that. */
const FAR_MS = 30_000;
const NEAR_MS = 1_000;
/** A count may take a tenth of the time at most, however many are open. */
const PATIENCE = 10;

/**
 * How many tasks are open, as far as a limit needs to know it: counted now and then, and since then what was accepted here. Other APIs may have
 * accepted as much, and some may have ended: the limit keeps a line from growing without end, it is no promise to the task.
 */
export class OpenTasks {
  readonly #deps: Deps;
  #open = 0;
  #since = 0;
  #countedMs = -Infinity;
  #tookMs = 0;
  #counting: Promise<void> | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Throws OVERLOADED when there is no room for so many more. */
  async require(more: number): Promise<void> {
    const { limit, refused } = this.#deps;
    if (limit === 0) return;
    if (this.#isOld()) await (this.#counting ??= this.#count().finally(() => (this.#counting = undefined)));
    if (this.#open + this.#since + more <= limit) {
      this.#since += more;
      return;
    }
    refused();
    throw new InterlockError(
      'OVERLOADED',
      `${limit} tasks may be open, and are. Nothing was done; come back when some have ended.`,
    );
  }

  #isOld(): boolean {
    const near = (this.#open + this.#since) * 2 >= this.#deps.limit;
    const believedMs = Math.max(near ? NEAR_MS : FAR_MS, PATIENCE * this.#tookMs);
    return this.#deps.clock.monotonicMs() - this.#countedMs >= believedMs;
  }

  async #count(): Promise<void> {
    const { tasks, clock, limit, log } = this.#deps;
    const begunMs = clock.monotonicMs();
    try {
      this.#open = await tasks.count({ state: ['waiting', 'running', 'canceling'] }, limit);
      this.#since = 0;
    } catch (error) {
      log.debug('Could not count the open tasks; the last count stands.', { err: error }); // a database that is away refuses by itself
    }
    this.#countedMs = clock.monotonicMs();
    this.#tookMs = this.#countedMs - begunMs;
  }
}

/** For what comes from outside: what was accepted must be able to make more, or it might never end. */
export function limited(acceptor: Accepting, open: OpenTasks): Accepting {
  return gated(acceptor, more => open.require(more));
}
