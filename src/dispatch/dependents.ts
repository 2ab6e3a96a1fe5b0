import { judgeJoin, type JoinVerdict } from '../core/join.js';
import type { State } from '../core/state.js';
import type { Log } from '../process/log.js';
import type { Dependent, JoinStore, TaskStore } from '../store/store.js';
import type { Events } from './events.js';
import type { Hints } from './hints.js';

export interface DependentsDeps {
  joins: Pick<JoinStore, 'dependentsOf' | 'waiting' | 'states' | 'release' | 'skip'>;
  tasks: Pick<TaskStore, 'takeNumbers'>;
  hints: Hints;
  events: Pick<Events, 'changed' | 'look'>;
  log: Log;
}

/** Ids of one question. */
const AT_ONCE = 500;
/** Ends beyond this wait for the sweep. */
const MAX_WAITING = 10_000;

/**
 * Looks at those that come after tasks which have just ended. Of two that end at the same time, whoever reads second sees both ends: each has been
 * written by a majority before it is looked after. Ends that gather while a look is under way share the next one. What a process leaves undone when it
 * dies is found by the sweep (docs/decisions/joins.md).
 */
export class Dependents {
  readonly #deps: DependentsDeps;
  readonly #ended = new Set<string>();
  #looking = false;

  constructor(deps: DependentsDeps) {
    this.#deps = deps;
  }

  /** Returns at once; what goes wrong is logged, and left to the sweep. */
  ended(ids: Iterable<string>): void {
    for (const id of ids) if (this.#ended.size < MAX_WAITING) this.#ended.add(id);
    if (!this.#looking && this.#ended.size > 0) void this.#look();
  }

  /** One page of all that wait, above this number. Resolves with the number to go on from; undefined after the last page. Throws StoreError. */
  async sweep(seq: number): Promise<number | undefined> {
    const page = await this.#deps.joins.waiting(seq, AT_ONCE);
    this.ended(await this.#settle(page));
    return page.length < AT_ONCE ? undefined : page.at(-1)?.seq;
  }

  async #look(): Promise<void> {
    const { joins, log } = this.#deps;
    this.#looking = true;
    while (this.#ended.size > 0) {
      const ids = [...this.#ended].slice(0, AT_ONCE);
      for (const id of ids) this.#ended.delete(id);
      try {
        // What is skipped has ended, too.
        for (const id of await this.#settle(await joins.dependentsOf(ids))) this.#ended.add(id);
      } catch (error) {
        log.warn(`Those that come after ${ids.length} tasks which have ended were not looked at; a sweep will.`, { err: error });
      }
    }
    this.#looking = false;
  }

  /** Resolves with those that were skipped. */
  async #settle(dependents: readonly Dependent[]): Promise<string[]> {
    if (dependents.length === 0) return [];
    const { joins, tasks, hints, events, log } = this.#deps;
    const states = await joins.states([...new Set(dependents.flatMap(({ after }) => after))]);
    const judged = dependents.map(each => ({ id: each.id, verdict: verdictOn(each, states) }));
    const idsOf = (wanted: JoinVerdict): string[] => judged.flatMap(({ id, verdict }) => (verdict === wanted ? [id] : []));
    const [ready, vain] = [idsOf('ready'), idsOf('skip')];
    if (ready.length > 0) {
      const first = await tasks.takeNumbers(ready.length);
      for (const task of await joins.release(ready, first)) {
        events.changed(task);
        hints.ready(task);
      }
    }
    const skipped = vain.length > 0 ? await joins.skip(vain) : [];
    events.look(skipped);
    if (skipped.length > 0)
      log.info(`${skipped.length} tasks are skipped: what they come after did not complete.`, { tasks: skipped.slice(0, 100) });
    return skipped;
  }
}

function verdictOn({ join, after }: Dependent, states: ReadonlyMap<string, State>): JoinVerdict {
  const found = after.map(id => states.get(id));
  return judgeJoin(join, found);
}
