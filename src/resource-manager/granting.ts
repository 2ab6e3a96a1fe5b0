import type { Hints } from '../dispatch/hints.js';
import type { Log } from '../process/log.js';
import type { Term } from '../process/term.js';
import type { GrantRequest, GrantStore, GrantVerdict } from '../store/store.js';
import type { Book } from './book.js';

/** The size that costs least per grant: 10 tasks 3 ms each, 100 tasks 0.6 ms (emulated server). */
const MAX_BATCH = 100;

export interface GrantingDeps {
  grants: Pick<GrantStore, 'grant'>;
  hints: Hints;
  book: Book;
  term: Term;
  log: Log;
  /** Which worker a task of this queue is bound to, if any. */
  assign: (queue: string) => string | undefined;
}

/**
 * Grants everything that is runnable, lowest number first, in batches: all of a batch or nothing. Resolves with tasks that could not be granted
 * as they were, to be read again. Ends the term when the database contradicts the graph, or deposes it.
 */
export class Granting {
  readonly #deps: GrantingDeps;
  #batch = MAX_BATCH;

  constructor(deps: GrantingDeps) {
    this.#deps = deps;
  }

  async runOnce(): Promise<string[]> {
    const { book, term } = this.#deps;
    while (term.trusted) {
      const ids = book.graph.takeRunnable(this.#batch);
      if (ids.length === 0) return [];
      const requests = ids.map(id => this.#request(id));
      let verdict: GrantVerdict;
      try {
        verdict = await term.inTurn(() => this.#deps.grants.grant(term.lease, requests));
      } catch (error) {
        // Granted or not: only a new term, which reads everything anew, can tell.
        term.end('the fate of a grant is unknown');
        throw error;
      }
      const again = this.#settle(verdict, requests);
      if (again.length > 0) return again;
    }
    return [];
  }

  #request(id: string): GrantRequest {
    const task = this.#deps.book.get(id);
    if (!task) throw new Error(`task ${id} is runnable but not in the book`);
    const worker = this.#deps.assign(task.queue);
    const request = { id, exclusive: task.exclusive, shared: task.shared, maxAttempts: task.maxAttempts };
    return worker === undefined ? request : { ...request, worker };
  }

  #settle(verdict: GrantVerdict, requests: GrantRequest[]): string[] {
    const { book, term, log } = this.#deps;
    const ids = requests.map(request => request.id);
    switch (verdict.kind) {
      case 'granted':
        this.#enter(requests);
        term.lease.fence = verdict.fence;
        this.#batch = Math.min(MAX_BATCH, this.#batch * 2);
        return [];
      case 'mismatch':
        // A cancel hit the batch. The others try again at once, in smaller company, so that cancels cannot starve them.
        this.#batch = Math.max(1, this.#batch >> 1);
        book.graph.putBack(ids);
        return ids;
      case 'conflict':
        log.error(`Task ${verdict.holder} holds a resource that the graph thought free; rebuilding from the database.`, {
          taskId: verdict.holder,
        });
        term.end('the graph contradicts the database');
        return [];
      case 'deposed':
        term.end('another resource manager leads');
        return [];
    }
  }
  /** Each has as many fences as it may have starts, counted from the lease's. */
  #enter(requests: readonly GrantRequest[]): void {
    const { book, term, hints } = this.#deps;
    let { fence } = term.lease;
    for (const { id, worker, maxAttempts } of requests) {
      book.granted(id, { fence, epoch: term.lease.epoch, ...(worker === undefined ? {} : { worker }) });
      fence += maxAttempts;
      const task = book.get(id);
      if (task) hints.start(task);
    }
  }
}
