import { beyond, highest } from '../core/restore.js';
import type { Change, Standing } from '../store/archive.js';
import { refused } from './damaged.js';
import type { Manifest } from './manifest.js';

/** What a restore makes of the records: no number, fence or epoch that anybody may have seen comes again. Throws InterlockError. */
export function changeOf(manifest: Manifest, standing: Standing, requeue: boolean): Change {
  const { cut, given } = manifest.database;
  const cutAt = new Date(cut.at);
  const { now } = standing;
  if (now < cutAt) {
    throw refused(
      `The clock of the database server says ${now.toISOString()}, but the backup was made at ${cut.at}. Set that clock first: how far numbers must move on ` +
        'is counted by it. Nothing was changed.',
    );
  }
  const used = highest(given, standing.given);
  const next = beyond(used, cutAt, now);
  const last = Math.max(next.seq + used.seq, next.fence, next.epoch, next.generation);
  if (!Number.isSafeInteger(last)) {
    throw refused(
      'The backup, or the database, has given numbers so high that none could be given after a restore. Nothing was changed.',
    );
  }
  // What is queued again keeps its order above `next.seq`, and new numbers come behind all of it.
  return {
    ...{ at: now, requeue, passOver: !requeue, backup: manifest.id, cutAt },
    seqShift: next.seq,
    given: { ...next, seq: next.seq + used.seq },
  };
}
