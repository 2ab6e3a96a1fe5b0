import type { ClientSession, MongoClient } from 'mongodb';

/**
 * The one session in which this process makes its grants. Its id stands in the lease, so that a successor can kill a transaction in which
 * this process is stuck. After an unclear end it is replaced: what is still open in the old one must not meet new work.
 */
export class GrantSession {
  private readonly client: MongoClient;
  private session: ClientSession;

  constructor(client: MongoClient) {
    this.client = client;
    this.session = client.startSession();
  }

  get current(): ClientSession {
    return this.session;
  }

  /** As `killSessions` wants it. */
  get id(): unknown {
    return this.session.id?.id;
  }

  replace(): void {
    const old = this.session;
    this.session = this.client.startSession();
    old.endSession().catch(() => undefined); // the server ends what is left of it after transactionLifetimeLimitSeconds
  }
}
