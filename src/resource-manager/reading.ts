import type { LineTask, TaskStore } from '../store/store.js';
import type { Book } from './book.js';
import type { Numbering } from './numbering.js';

type Row = LineTask | { seq: number; void: true };

/** Rows of one range read; a backlog is taken in several passes, each followed by grants. */
export const RANGE = 1_000;
/** A refresh reads at most this many ids at once. */
const REFRESH = 500;

export interface ReadingDeps {
  tasks: Pick<TaskStore, 'range' | 'byNumbers' | 'voidNumbers' | 'byIds'>;
  book: Book;
  numbering: Numbering;
  gapMs: number;
}

/**
 * New tasks enter only here: first what lies above the mark, **then** the gaps below it. In the other order a number could be stored
 * between the two reads and be overtaken by the one after it. Resolves with whether more is waiting to be read.
 */
export async function readNew({ tasks, book, numbering }: ReadingDeps): Promise<boolean> {
  const above = await tasks.range(numbering.mark, RANGE);
  const gapsBefore = numbering.gaps;
  const between = missingBetween(numbering.mark, above);
  const wanted = [...gapsBefore, ...between];
  const late = wanted.length > 0 ? await tasks.byNumbers(wanted) : [];
  for (const row of [...late, ...above]) if (!isVoid(row)) book.apply(row);
  numbering.advance(above.map(row => row.seq)); // only now: what was read is applied
  numbering.fill(late.map(row => row.seq));
  return above.length === RANGE;
}

/** Closes numbers that nobody has stored for `gapMs`. What a task took at the last moment is found by the next pass. */
export async function closeGaps({ tasks, numbering, gapMs }: ReadingDeps): Promise<void> {
  const old = numbering.olderThan(gapMs);
  if (old.length > 0) await tasks.voidNumbers(old);
}

/** Reads again those that a hint names and that stand in the graph; others come by their number. */
export async function refresh({ tasks, book }: ReadingDeps, ids: Iterable<string>): Promise<void> {
  const known = [...ids].filter(id => book.graph.has(id));
  for (let from = 0; from < known.length; from += REFRESH) {
    const part = known.slice(from, from + REFRESH);
    const rows = new Map((await tasks.byIds(part)).map(row => [row.id, row]));
    for (const id of part) {
      const row = rows.get(id);
      if (row) book.apply(row);
      else book.drop(id, 'deleted');
    }
  }
}

function missingBetween(mark: number, rows: readonly Row[]): number[] {
  const missing: number[] = [];
  let expected = mark + 1;
  for (const { seq } of rows) {
    for (; expected < seq; expected++) missing.push(expected);
    expected = seq + 1;
  }
  return missing;
}

function isVoid(row: Row): row is { seq: number; void: true } {
  return 'void' in row;
}
