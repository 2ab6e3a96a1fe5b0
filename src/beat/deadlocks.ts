import { shortId } from '../core/short-id.js';
import { cycleText, victimOf, WaitGraph, type WaitStep } from '../core/wait-graph.js';
import type { Events } from '../dispatch/events.js';
import type { Hints } from '../dispatch/hints.js';
import { readWaits, type CycleReads } from '../dispatch/wait-cycles.js';
import type { Log } from '../process/log.js';
import type { TaskStore, WaitStore } from '../store/store.js';

export interface DeadlocksDeps {
  waits: Pick<WaitStore, 'awaiting' | 'failWaiting'>;
  tasks: CycleReads['tasks'] & Pick<TaskStore, 'get'>;
  capacities: CycleReads['capacities'];
  hints: Pick<Hints, 'changed' | 'ended'>;
  events: Pick<Events, 'changed'>;
  log: Log;
}

/** Tasks that wait for others, of one look; the next goes on behind them. */
const PAGE = 500;
export const DEADLOCK = 'DEADLOCK';

/**
 * Finds cycles of waits that no dispatch could see: of a child that came into its line again behind somebody, or of two that were looked at while the other
 * did not stand there yet. What stands in one at two looks in a row has not moved all the while; then the newest child in it that waits for a
 * resource fails, so that the others go on.
 */
export class Deadlocks {
  readonly #deps: DeadlocksDeps;
  #after = 0;
  /** Cycles of the last look at all of them, and of this one so far. */
  #before = new Set<string>();
  #seen = new Set<string>();

  constructor(deps: DeadlocksDeps) {
    this.#deps = deps;
  }

  /** One page of all tasks that wait for others. Throws StoreError. */
  async runOnce(): Promise<void> {
    const page = await this.#deps.waits.awaiting(this.#after, PAGE);
    this.#after = page.length < PAGE ? 0 : (page.at(-1)?.seq ?? 0);
    const ids = page.map(({ id }) => id);
    const graph = page.length > 0 ? await readWaits(this.#deps, ids) : new WaitGraph();
    const found = new Map<string, readonly WaitStep[]>();
    for (const id of ids) {
      const steps = graph.cycleThrough(id);
      if (steps) found.set(signatureOf(steps, graph), steps);
    }
    for (const signature of found.keys()) this.#seen.add(signature);
    const lasting = [...found].filter(([signature]) => this.#before.has(signature));
    if (this.#after === 0) [this.#before, this.#seen] = [this.#seen, new Set()];
    for (const [, steps] of lasting) await this.#break(steps, graph);
  }

  async #break(steps: readonly WaitStep[], graph: WaitGraph): Promise<void> {
    const { waits, tasks, hints, events, log } = this.#deps;
    const text = cycleText(steps, id => graph.get(id)?.name ?? 'unknown');
    const victim = victimOf(steps, graph);
    if (!victim) {
      log.error(`These tasks wait for each other and none of them is in line: ${text}. Cancel one.`);
      return;
    }
    const message = `It would have waited for ever, and so would others: ${text}.`;
    if (!(await waits.failWaiting(victim.id, victim.seq, { code: DEADLOCK, message }))) return;
    log.error(`Task ${shortId(victim.id)} is failed to end a deadlock: ${text}.`, { taskId: victim.id });
    hints.changed([victim.id]);
    const ended = await tasks.get(victim.id);
    if (!ended) return;
    hints.ended(ended);
    events.changed(ended);
  }
}

/** The same for the same cycle, wherever one begins to read it, as long as nobody in it has joined a line anew. */
function signatureOf(steps: readonly WaitStep[], graph: WaitGraph): string {
  return steps
    .map(({ from, to, how, resource = '' }) => JSON.stringify([from, graph.get(from)?.seq, how, resource, to]))
    .sort()
    .join();
}
