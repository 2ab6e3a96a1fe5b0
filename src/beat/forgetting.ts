import { emptyGroupsMs, type Retention } from '../core/retention.js';
import { FINAL_STATES } from '../core/state.js';
import type { Log } from '../process/log.js';
import type { Clock } from '../process/runtime.js';
import type { EndedPage, EndedPlace, Store } from '../store/store.js';

export interface ForgettingDeps {
  store: Pick<Store, 'retention' | 'schedules'>;
  clock: Clock;
  log: Log;
  retention: Retention;
  sweepMs: number;
}

/** Of one command: a tenth of a second of a slow server. */
const PAGE = 250;
/** Of the time between two sweeps: what has ended long ago may wait, and the database has other work. */
const SHARE = 0.2;
/** After so many sweeps (ten minutes) everything is gone through anew: what was held back may be free by then. */
const SWEEPS_PER_WALK = 120;

/** A walk through what is kept for one time. */
interface Walk {
  what: string;
  ageMs: number;
  /** Takes the next page, and notes where it got to. */
  step(endedBefore: Date): Promise<{ done: number; full: boolean }>;
  restart(): void;
  done: number;
}

/** Forgets what ended long ago, page after page; each goes on where it stopped. Where everything is kept for ever it asks for nothing. */
export class Forgetting {
  readonly #deps: ForgettingDeps;
  /** Whose turn is first changes, so that no flood keeps the others from theirs. */
  readonly #walks: Walk[];
  #anewAtMs = -Infinity;

  constructor(deps: ForgettingDeps) {
    this.#deps = deps;
    const { retention } = deps.store;
    const states = FINAL_STATES.map(state => {
      const page = (endedBefore: Date, after?: EndedPlace): Promise<EndedPage> =>
        retention.purge({ state, endedBefore, after, limit: PAGE });
      return tasks(`${state} tasks`, deps.retention[state], page);
    });
    const results = tasks('results', deps.retention.results, (endedBefore, after) =>
      retention.expireResults({ endedBefore, after, limit: PAGE }),
    );
    this.#walks = [...states, results, groups(retention, emptyGroupsMs(deps.retention) ?? 0)].filter(({ ageMs }) => ageMs > 0);
  }

  /** Throws StoreError. */
  async runOnce(): Promise<void> {
    const { store, clock, sweepMs, log } = this.#deps;
    if (this.#walks.length === 0) return;
    const startedMs = clock.monotonicMs();
    if (startedMs >= this.#anewAtMs) {
      for (const walk of this.#walks) walk.restart();
      this.#anewAtMs = startedMs + SWEEPS_PER_WALK * sweepMs;
    }
    const now = (await store.schedules.now()).getTime();
    try {
      for (const walk of this.#walks) await this.#goOn(walk, new Date(now - walk.ageMs), startedMs + SHARE * sweepMs);
    } finally {
      const told = this.#walks.filter(({ done }) => done > 0).map(({ done, what }) => `${done} ${what}`);
      if (told.length > 0) log.info(`Forgot what ended long ago: ${told.join(', ')}.`);
      for (const walk of this.#walks) walk.done = 0;
      this.#walks.push(...this.#walks.splice(0, 1));
    }
  }

  async #goOn(walk: Walk, endedBefore: Date, untilMs: number): Promise<void> {
    while (this.#deps.clock.monotonicMs() < untilMs) {
      const { done, full } = await walk.step(endedBefore);
      walk.done += done;
      if (!full) return;
    }
  }
}

function tasks(what: string, ageMs: number, page: (endedBefore: Date, after?: EndedPlace) => Promise<EndedPage>): Walk {
  let after: EndedPlace | undefined;
  const step = async (endedBefore: Date): Promise<EndedPage> => {
    const found = await page(endedBefore, after);
    after = found.last ?? after;
    return found;
  };
  return { what, ageMs, done: 0, step, restart: () => (after = undefined) };
}

function groups(retention: Store['retention'], ageMs: number): Walk {
  let after: string | undefined;
  const step = async (createdBefore: Date): Promise<{ done: number; full: boolean }> => {
    const { removed, last, full } = await retention.removeEmptyGroups(createdBefore, PAGE, after);
    after = last ?? after;
    return { done: removed, full };
  };
  return { what: 'empty groups', ageMs, done: 0, step, restart: () => (after = undefined) };
}
