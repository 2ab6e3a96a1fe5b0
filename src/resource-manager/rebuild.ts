import type { Log } from '../process/log.js';
import type { Clock } from '../process/runtime.js';
import type { Term } from '../process/term.js';
import type { LeaseStore, LineTask, TaskStore } from '../store/store.js';
import { Book } from './book.js';
import { Numbering } from './numbering.js';
import { RANGE } from './reading.js';

export interface RebuildDeps {
  tasks: Pick<TaskStore, 'holders' | 'waitingForResources'>;
  leases: Pick<LeaseStore, 'read'>;
  clock: Clock;
  log: Log;
}

/**
 * The graph of a new term, from the database alone: holders first, then the line in order of number, whatever the age. The numbers above the
 * lease's floor are read by the first passes; whatever is missing there is taken as a gap.
 */
export async function rebuild(deps: RebuildDeps, term: Term): Promise<{ book: Book; numbering: Numbering }> {
  // These reads must come after the lease write: only a view that shows the own epoch shows every grant of the former leader.
  const lease = await deps.leases.read(term.lease.name);
  if (lease?.epoch !== term.lease.epoch)
    throw new Error(`the lease shows epoch ${lease?.epoch ?? 'none'}, not ${term.lease.epoch}`);
  const book = new Book(deps.log, deps.clock);
  // In pages, while others end, start, cancel and give back: none of that changes a fence or a number, and nobody else grants.
  const holders = (above: number): Promise<LineTask[]> => deps.tasks.holders(above, RANGE);
  const waiting = (above: number): Promise<LineTask[]> => deps.tasks.waitingForResources(above, RANGE);
  await readAll(term, book, holders, task => task.grant?.fence ?? 0);
  book.rates.rebuilt();
  await readAll(term, book, waiting, task => task.seq);
  deps.log.info(`Rebuilt the lines: ${book.graph.holders} tasks hold, ${book.graph.size - book.graph.holders} wait.`, {
    epoch: term.lease.epoch,
  });
  return { book, numbering: new Numbering(term.lease.floor, deps.clock) };
}

async function readAll(
  term: Term,
  book: Book,
  pageAbove: (place: number) => Promise<LineTask[]>,
  placeOf: (task: LineTask) => number,
): Promise<void> {
  for (let above = 0; !term.signal.aborted;) {
    const page = await pageAbove(above);
    for (const task of page) book.apply(task);
    const last = page.length < RANGE ? above : Math.max(above, ...page.map(placeOf));
    if (last === above) return;
    above = last;
  }
}
