import { setTimeout as sleep } from 'node:timers/promises';
import { WriteConcern, type ClientSession, type TransactionOptions } from 'mongodb';
import { isTransient, translated } from './errors.js';

const OPTIONS: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: new WriteConcern('majority', 5_000),
  readPreference: 'primary',
  maxCommitTimeMS: 5_000,
};
/** What the server may spend on one step. */
export const STEP = { maxTimeMS: 5_000 } as const;
const TRIES = 5;
/** Between tries: a conflict is another short write on the same record, over in some 30 ms. */
const PAUSE_MS = 40;

/**
 * Runs `work` in a transaction of this session. A transient conflict is retried at most 5 times, with jitter. `commit: false` leaves nothing behind.
 * Throws StoreError: `refused` when it failed before the commit, `unknown` when the commit's fate is unclear.
 */
export async function inTransaction<T>(
  session: ClientSession,
  what: string,
  work: () => Promise<{ commit: boolean; value: T }>,
): Promise<T> {
  for (let n = 1; ; n += 1) {
    session.startTransaction(OPTIONS);
    try {
      const { commit, value } = await work();
      if (!commit) return value;
      await commitTwice(session, what);
      return value;
    } catch (error) {
      if (!isTransient(error) || n === TRIES) throw translated(error, what, 'refused');
    } finally {
      if (session.inTransaction()) await session.abortTransaction();
    }
    await sleep(PAUSE_MS * n * (0.5 + Math.random()));
  }
}

/**
 * A commit may be sent again: the server knows whether this transaction was committed. A conflict that comes to light only now (a busy server,
 * error 112) has ended it for certain.
 */
async function commitTwice(session: ClientSession, what: string): Promise<void> {
  try {
    await session.commitTransaction();
  } catch (error) {
    if (isTransient(error)) throw error;
    await session.commitTransaction().catch((again: unknown) => {
      throw translated(again, `${what}, commit`, 'unknown');
    });
  }
}
