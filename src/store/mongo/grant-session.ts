import type { ClientSession } from 'mongodb';
import { StoreError } from '../../core/errors.js';
import { within } from './calls.js';
import type { Database } from './database.js';
import { translated } from './errors.js';
import { inTransaction } from './transaction.js';

/** All tries together: a lease is trusted for 10 s, and what comes later than that would be in vain. */
const GRANT_MS = 8_000;

/**
 * The one session in which this process acts as leader, one transaction at a time. Its id stands in the lease, so that a successor can
 * kill a transaction in which this process is stuck. After an unclear end it is replaced: what is still open in the old one must
 * not meet new work.
 */
export class GrantSession {
  readonly #db: Database;
  #session: ClientSession;

  constructor(db: Database) {
    this.#db = db;
    this.#session = db.vital.startSession();
  }

  /** As `killSessions` wants it. */
  get id(): unknown {
    return this.#session.id?.id;
  }

  /** Throws StoreError: `unknown` when it may have been committed, or may still be. */
  async transaction<T>(what: string, work: (session: ClientSession) => Promise<{ commit: boolean; value: T }>): Promise<T> {
    const session = this.#session;
    try {
      const value = await within(
        GRANT_MS,
        inTransaction(session, what, () => work(session)),
      );
      this.#db.causality.note(session);
      return value;
    } catch (error) {
      const known = translated(error, what, 'unknown');
      if (!(known instanceof StoreError) || known.outcome === 'unknown') this.#replace();
      throw known;
    }
  }

  #replace(): void {
    const old = this.#session;
    this.#session = this.#db.vital.startSession();
    old.endSession().catch(() => undefined); // the server ends what is left of it after transactionLifetimeLimitSeconds
  }
}
