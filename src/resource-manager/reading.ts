import type { Log } from '../process/log.js';
import type { Clock } from '../process/runtime.js';
import type { LineTask, TaskStore } from '../store/store.js';
import type { Book } from './book.js';
import type { Numbering } from './numbering.js';

type Row = LineTask | { seq: number; void: true };

/** Rows of one range read; a backlog is taken in several passes, each followed by grants. */
export const RANGE = 1_000;
/** One command names at most this many ids or numbers. */
const PART = 500;

export interface ReadingDeps {
  tasks: Pick<TaskStore, 'range' | 'byNumbers' | 'voidNumbers' | 'byIds'>;
  book: Book;
  numbering: Numbering;
  clock: Clock;
  /** New tasks are looked for this often, even if no hint speaks of any. */
  passMs: number;
  gapMs: number;
  log: Log;
}

/** What has changed since the last pass. */
export class Reading {
  readonly #deps: ReadingDeps;
  #more = true;
  #newOnesAtMs = -Infinity;

  constructor(deps: ReadingDeps) {
    this.#deps = deps;
  }

  /** How long it may be until new ones are asked for without a hint, in milliseconds. */
  get newOnesInMs(): number {
    const { clock, passMs } = this.#deps;
    return Math.max(0, this.#newOnesAtMs + passMs - clock.monotonicMs());
  }

  /**
   * Reads again what hints name, and new tasks, both at once. What was known is applied first: a task that joins the line anew leaves its old place
   * before it takes the new one. Resolves with whether new ones were looked for, and whether more is waiting to be read.
   */
  async runOnce(ids: ReadonlySet<string>): Promise<{ newOnes: boolean; more: boolean }> {
    const newOnes = this.#newOnesDue(ids);
    const [again, fresh] = await Promise.all([askAgain(this.#deps, ids), newOnes ? askForNew(this.#deps) : undefined]);
    const joinedAnew = applyAgain(this.#deps, again);
    this.#more = joinedAnew;
    if (fresh) {
      this.#more = applyNew(this.#deps, fresh);
      // In both answers: which of them is the later one nobody knows.
      await readAgain(
        this.#deps,
        idsOf(fresh).filter(id => again.has(id)),
      );
    }
    return { newOnes, more: this.#more };
  }

  /** The end of a known task brings no new ones: one read less until the next in line is granted. */
  #newOnesDue(ids: ReadonlySet<string>): boolean {
    const { book, clock } = this.#deps;
    const due = this.#more || this.newOnesInMs === 0 || [...ids].some(id => !book.graph.has(id));
    if (due) this.#newOnesAtMs = clock.monotonicMs();
    return due;
  }
}

/** Reads again those that a hint names and that stand in the graph; others come by their number. */
export async function readAgain(deps: AgainDeps, ids: Iterable<string>): Promise<void> {
  applyAgain(deps, await askAgain(deps, ids));
}

interface AgainDeps extends Pick<ReadingDeps, 'book' | 'numbering'> {
  tasks: Pick<TaskStore, 'byIds'>;
}

type Found = Map<string, LineTask | undefined>;

interface New {
  rows: Row[];
  upTo: number;
  late: Row[];
}

/**
 * New tasks enter only here: first what lies above the mark, **then** the gaps below it. In the other order a number could be stored
 * between the two reads and be overtaken by the one after it.
 */
async function askForNew({ tasks, numbering }: ReadingDeps): Promise<New> {
  const rows = await tasks.range(numbering.mark, RANGE);
  const seqs = rows.map(row => row.seq);
  const upTo = numbering.reach(seqs);
  const gaps = [...numbering.gaps, ...numbering.missing(seqs, upTo)];
  const late: Row[] = [];
  for (const part of parts(gaps)) late.push(...(await tasks.byNumbers(part)));
  return { rows, upTo, late };
}

function applyNew({ book, numbering, log }: ReadingDeps, { rows, upTo, late }: New): boolean {
  const above = rows.filter(row => row.seq <= upTo);
  for (const row of [...late, ...above]) if (!isVoid(row)) book.apply(row);
  const seen = above.map(row => row.seq);
  numbering.advance(seen, upTo); // only now: what was read is applied
  numbering.fill(late.map(row => row.seq));
  const beyond = rows[above.length];
  if (beyond && !numbering.full && numbering.isNewStray(beyond.seq)) {
    log.error(`Acceptance number ${beyond.seq} is far from all others: somebody has changed a record by hand. It is left alone.`);
  }
  return above.length === RANGE || (beyond !== undefined && numbering.full);
}

/** Closes numbers that nobody has stored for `gapMs`. What a task took at the last moment is found by the next pass. */
export async function closeGaps({ tasks, numbering, gapMs }: ReadingDeps): Promise<void> {
  for (const part of parts(numbering.olderThan(gapMs))) await tasks.voidNumbers(part);
}

async function askAgain({ tasks, book }: AgainDeps, ids: Iterable<string>): Promise<Found> {
  const known = [...ids].filter(id => book.graph.has(id));
  const found: Found = new Map(known.map(id => [id, undefined]));
  for (const part of parts(known)) for (const row of await tasks.byIds(part)) found.set(row.id, row);
  return found;
}

/** Whether one has joined the line anew, which only new numbers show. */
function applyAgain({ book, numbering }: AgainDeps, found: Found): boolean {
  let joinedAnew = false;
  for (const [id, row] of found) {
    if (!row) book.drop(id, 'deleted');
    else if (row.seq !== book.graph.find(id)?.seq && row.seq > numbering.mark) {
      book.drop(id, 'in line anew');
      joinedAnew = true;
    } else book.apply(row);
  }
  return joinedAnew;
}

function idsOf({ rows, late }: New): string[] {
  return [...rows, ...late].flatMap(row => (isVoid(row) ? [] : [row.id]));
}

function* parts<T>(all: readonly T[]): Generator<T[]> {
  for (let from = 0; from < all.length; from += PART) yield all.slice(from, from + PART);
}

function isVoid(row: Row): row is { seq: number; void: true } {
  return 'void' in row;
}
