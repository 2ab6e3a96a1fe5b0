import type { ClientSession, ClusterTime, MongoClient, Timestamp } from 'mongodb';

/**
 * A leader rebuilds its graph from reads that are not older than its own lease write, also when an election moved the
 * primary in between: a member that has not seen that write makes the read wait, and fail.
 */
export class Causality {
  private operationTime: Timestamp | undefined;
  private clusterTime: ClusterTime | undefined;

  /** Later reads must not be older than what this session saw. */
  note(session: ClientSession): void {
    const seen = session.operationTime;
    if (!seen || (this.operationTime && !seen.greaterThan(this.operationTime))) return;
    this.operationTime = seen;
    this.clusterTime = session.clusterTime;
  }

  async read<T>(client: MongoClient, ask: (session: ClientSession) => Promise<T>): Promise<T> {
    return client.withSession({ causalConsistency: true }, async session => {
      if (this.clusterTime) session.advanceClusterTime(this.clusterTime);
      if (this.operationTime) session.advanceOperationTime(this.operationTime);
      return ask(session);
    });
  }
}
