import type { Log } from '../process/log.js';
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
  gapMs: number;
  log: Log;
}

/**
 * New tasks enter only here: first what lies above the mark, **then** the gaps below it. In the other order a number could be stored
 * between the two reads and be overtaken by the one after it. Resolves with whether more is waiting to be read.
 */
export async function readNew({ tasks, book, numbering, log }: ReadingDeps): Promise<boolean> {
  const rows = await tasks.range(numbering.mark, RANGE);
  const upTo = numbering.reach(rows.map(row => row.seq));
  const above = rows.filter(row => row.seq <= upTo);
  const seen = above.map(row => row.seq);
  const gaps = [...numbering.gaps, ...numbering.missing(seen, upTo)];
  const late: Row[] = [];
  for (const part of parts(gaps)) late.push(...(await tasks.byNumbers(part)));
  for (const row of [...late, ...above]) if (!isVoid(row)) book.apply(row);
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

/** Reads again those that a hint names and that stand in the graph; others come by their number. */
export async function readAgain(
  { tasks, book, numbering }: { tasks: Pick<TaskStore, 'byIds'>; book: Book; numbering: Numbering },
  ids: Iterable<string>,
): Promise<void> {
  for (const part of parts([...ids].filter(id => book.graph.has(id)))) {
    const rows = new Map((await tasks.byIds(part)).map(row => [row.id, row]));
    for (const id of part) {
      const row = rows.get(id);
      if (!row) book.drop(id, 'deleted');
      else if (row.seq !== book.graph.find(id)?.seq && row.seq > numbering.mark) book.drop(id, 'in line anew');
      else book.apply(row);
    }
  }
}

function* parts<T>(all: readonly T[]): Generator<T[]> {
  for (let from = 0; from < all.length; from += PART) yield all.slice(from, from + PART);
}

function isVoid(row: Row): row is { seq: number; void: true } {
  return 'void' in row;
}
