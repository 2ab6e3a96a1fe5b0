import { needsResources } from '../core/task.js';
import type { Log } from '../process/log.js';
import type { TaskStore } from '../store/store.js';
import type { Book } from './book.js';

export interface ReconcileDeps {
  tasks: Pick<TaskStore, 'holders' | 'endedWithin'>;
  book: Book;
  log: Log;
}

/**
 * Compares the graph with the database, so that a hint that was lost costs seconds: who holds, and what became final lately.
 * Resolves false if the database knows a holder that the graph does not: then the graph cannot be trusted.
 */
export async function reconcile({ tasks, book, log }: ReconcileDeps, withinMs: number): Promise<boolean> {
  const holders = new Map((await tasks.holders()).map(task => [task.id, task]));
  // Before the next read: a holder that ends between the two is no contradiction.
  for (const [id, task] of holders) {
    if (book.graph.find(id)?.granted === true || !needsResources(task)) continue; // a damaged one may not say what it holds
    log.error(`Task ${id} holds resources in the database but not in the graph.`, { taskId: id });
    return false;
  }
  for (const id of [...book.graph.holderIds()]) if (!holders.has(id)) book.drop(id, 'over');
  for (const id of await tasks.endedWithin(withinMs)) book.drop(id, 'over');
  return true;
}
