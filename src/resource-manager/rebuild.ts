import type { Log } from '../process/log.js';
import type { Clock } from '../process/runtime.js';
import type { Term } from '../process/term.js';
import type { LeaseStore, TaskStore } from '../store/store.js';
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
  const book = new Book(deps.log);
  for (const holder of await deps.tasks.holders()) book.apply(holder);
  for (let above = 0; !term.signal.aborted;) {
    const part = await deps.tasks.waitingForResources(above, RANGE);
    for (const task of part) book.apply(task);
    const last = part.at(-1);
    if (!last || part.length < RANGE) break;
    above = last.seq;
  }
  deps.log.info(`Rebuilt the lines: ${book.graph.holders} tasks hold, ${book.graph.size - book.graph.holders} wait.`, {
    epoch: term.lease.epoch,
  });
  return { book, numbering: new Numbering(term.lease.floor, deps.clock) };
}
