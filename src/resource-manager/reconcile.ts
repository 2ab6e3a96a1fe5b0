import { shortId } from '../core/short-id.js';
import { needsResources } from '../core/task.js';
import type { Log } from '../process/log.js';
import type { TaskStore } from '../store/store.js';
import type { Book } from './book.js';
import type { Numbering } from './numbering.js';
import { RANGE, readAgain, type ReadingDeps } from './reading.js';
import { Walk } from './walk.js';

type Lines = 'holderFences' | 'holders' | 'waitingNumbers' | 'waitingForResources' | 'countInLines';
type Reads = Pick<TaskStore, Lines | 'endedWithin' | 'byIds' | 'byNumbers'>;

export interface ReconcileDeps extends Pick<ReadingDeps, 'book' | 'numbering'> {
  tasks: Reads;
  book: Book;
  numbering: Numbering;
  log: Log;
  /** Our own. */
  epoch: number;
  /** Ends of this long ago are looked at: more than the time between two comparisons. */
  withinMs: number;
}

/** More is not counted: 100,000 entries of an index take 0.2 s on a slow server. */
const COUNT_CAP = 100_000;
/** Pages of 10,000 numbers that are compared at most. Ends are always on their way, so that holders often differ; who waits seldom does. */
const HOLDER_PAGES = 2;
const WAITING_PAGES = 10;
const PAGES_BEYOND_COUNT = 2;
/** Records read again at most; the others have their turn the next time. */
const MAX_SUSPECTS = 10_000;
/** The first one ends the term; others are records of final tasks that somebody gave a grant. */
const MAX_STRANGERS = 100;

/**
 * Compares the graph with the database, so that a hint that was lost costs seconds: what became final lately, who holds, who waits. Fences and
 * numbers are compared, from indexes alone; only where they differ are records read. Absence proves nothing by itself: the record decides.
 */
export class Reconciliation {
  readonly #deps: ReconcileDeps;
  readonly #holders: Walk;
  readonly #waiting: Walk;
  #lookedAt = 0;

  constructor(deps: ReconcileDeps) {
    const { tasks, book } = deps;
    this.#deps = deps;
    this.#holders = new Walk(
      (after, limit) => tasks.holderFences(after, limit),
      () => book.holding(),
    );
    this.#waiting = new Walk(
      (after, limit) => tasks.waitingNumbers(after, limit),
      () => book.waiting(),
    );
  }

  /** False: the database knows a holder that the graph does not, so that the graph cannot be trusted, or this leader has a successor. */
  async runOnce(): Promise<boolean> {
    const { tasks, book, numbering, withinMs } = this.#deps;
    for (const id of await tasks.endedWithin(withinMs)) book.drop(id, 'over');
    const counted = await tasks.countInLines(numbering.mark, COUNT_CAP);
    const { holders, size } = book.graph;
    if (!(await this.#compareHolders(pagesFor(counted.holding, holders, HOLDER_PAGES)))) return false;
    await this.#compareWaiting(pagesFor(counted.waiting, size - holders, WAITING_PAGES));
    await this.#lookAtSome();
    return true;
  }

  async #compareHolders(pages: number): Promise<boolean> {
    const { tasks, book, log, epoch } = this.#deps;
    const { gone, strange } = await this.#holders.next(pages);
    await readAgain(this.#deps, [...gone, ...book.holdersWithoutFence()].slice(0, MAX_SUSPECTS));
    for (const fence of strange.slice(0, MAX_STRANGERS)) {
      const holder = (await tasks.holders(fence - 1, 1)).find(task => task.grant?.fence === fence);
      // It has ended meanwhile, or it is damaged and does not say what it holds: no contradiction.
      if (!holder || !needsResources(holder)) continue;
      if ((holder.grant?.epoch ?? 0) > epoch) {
        log.info('A later leader has granted: this one was deposed and did not know it yet.', { epoch });
        return false;
      }
      if (book.graph.find(holder.id)?.granted !== true) {
        log.error(`Task ${shortId(holder.id)} holds resources in the database but not in the graph.`, { taskId: holder.id });
        return false;
      }
      book.apply(holder);
    }
    return true;
  }

  /** Who left the line without a word must not stand in anybody's way; who was left out of it (a mended record) gets his place. */
  async #compareWaiting(pages: number): Promise<void> {
    const { tasks, book, numbering } = this.#deps;
    const { gone, strange } = await this.#waiting.next(pages);
    await readAgain(this.#deps, gone.slice(0, MAX_SUSPECTS));
    const missed = strange.filter(number => number <= numbering.mark).slice(0, RANGE);
    for (const row of missed.length > 0 ? await tasks.byNumbers(missed) : []) if (!('void' in row)) book.apply(row);
  }

  /** A record that was damaged in the line still has its number. One slice of the line after the other is read in full. */
  async #lookAtSome(): Promise<void> {
    const { tasks, book } = this.#deps;
    const rows = await tasks.waitingForResources(this.#lookedAt, RANGE);
    for (const row of rows) if (book.graph.has(row.id)) book.apply(row);
    this.#lookedAt = rows.length < RANGE ? 0 : (rows.at(-1)?.seq ?? 0);
  }
}

function pagesFor(there: number, here: number, most: number): number {
  if (there === here) return 0;
  return there >= COUNT_CAP ? PAGES_BEYOND_COUNT : most;
}
