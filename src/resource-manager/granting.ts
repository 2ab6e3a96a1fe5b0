import type { CountUp } from '../core/counts.js';
import { shortId } from '../core/short-id.js';
import type { Hints } from '../dispatch/hints.js';
import type { Log } from '../process/log.js';
import type { Term } from '../process/term.js';
import type { GrantRequest, GrantStore, GrantVerdict, RateStore } from '../store/store.js';
import type { Book, Kind } from './book.js';

/** The size that costs least per grant: 10 tasks 3 ms each, 100 tasks 0.6 ms (emulated server). */
const MAX_BATCH = 100;
/** Buckets of so many keys are asked for at once. */
const MAX_KEYS = 500;

export interface GrantingDeps {
  grants: Pick<GrantStore, 'grant'>;
  rates: Pick<RateStore, 'buckets'>;
  hints: Hints;
  book: Book;
  term: Term;
  log: Log;
  /** Which worker a task of this queue is bound to, if any. */
  assign: (kind: Kind) => string | undefined;
  count?: CountUp | undefined;
}

/**
 * Grants everything that is runnable, lowest number first, in batches: all of a batch or nothing. Resolves with tasks that could not be granted
 * as they were, to be read again. Ends the term when the database contradicts the graph, or deposes it.
 */
export class Granting {
  readonly #deps: GrantingDeps;
  #batch = MAX_BATCH;
  /** Borrowers that meet a holder whom the graph does not see in their way; each pass tries them again. */
  readonly #opposed = new Set<string>();

  constructor(deps: GrantingDeps) {
    this.#deps = deps;
  }

  async runOnce(): Promise<string[]> {
    const { book, term } = this.#deps;
    book.graph.putBack([...this.#opposed]);
    this.#opposed.clear();
    while (term.trusted) {
      const ids = book.takeRunnable(this.#batch);
      if (ids.length === 0) {
        if (await this.#readBuckets()) continue;
        return [];
      }
      const requests = ids.map(id => this.#request(id));
      const buckets = book.rates.recordsOf(requests, id => book.get(id), term.lease.fence);
      let verdict: GrantVerdict;
      try {
        verdict = await term.inTurn(() => this.#deps.grants.grant(term.lease, requests, buckets));
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

  /** Of keys that are new in this term: what was granted by them before. False: there are none. */
  async #readBuckets(): Promise<boolean> {
    const { book, rates } = this.#deps;
    const keys = book.rates.unread(MAX_KEYS);
    if (keys.length === 0) return false;
    book.rates.learn(keys, await rates.buckets(keys));
    return true;
  }

  #request(id: string): GrantRequest {
    const task = this.#deps.book.get(id);
    if (!task) throw new Error(`task ${id} is runnable but not in the book`);
    const worker = this.#deps.assign(task);
    const { exclusive, shared, counted, maxAttempts } = task;
    const request: GrantRequest = { id, exclusive, shared, maxAttempts };
    if (counted) request.counted = this.#deps.book.withCapacities(counted);
    if (task.under) request.lenders = this.#deps.book.graph.lendersOf(id);
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
        if (requests.some(isBorrower)) {
          this.#setAside(requests);
          return [];
        }
        log.error(`Task ${shortId(verdict.holder)} holds a resource that the graph thought free; rebuilding from the database.`, {
          taskId: verdict.holder,
        });
        term.end('the graph contradicts the database');
        return [];
      case 'deposed':
        term.end('another resource manager leads');
        return [];
    }
  }

  /**
   * A holder whose own lender has ended before it stands in no room of those above any more, though it still has what they lend. Who borrows there
   * waits for it, and for nobody else: the transaction alone sees that.
   */
  #setAside(requests: readonly GrantRequest[]): void {
    const [only, ...others] = requests;
    if (only && others.length === 0) {
      this.#opposed.add(only.id);
      return;
    }
    this.#batch = 1; // to see whose it is
    this.#deps.book.graph.putBack(requests.map(({ id }) => id));
  }

  /** Each has as many fences as it may have starts, counted from the lease's. */
  #enter(requests: readonly GrantRequest[]): void {
    const { book, term, hints, count } = this.#deps;
    count?.('grants', requests.length);
    let { fence } = term.lease;
    for (const { id, worker, maxAttempts } of requests) {
      book.granted(id, { fence, epoch: term.lease.epoch, ...(worker === undefined ? {} : { worker }) });
      fence += maxAttempts;
      const task = book.get(id);
      if (task) hints.start(task);
    }
  }
}

function isBorrower({ lenders = [] }: GrantRequest): boolean {
  return lenders.length > 0;
}
