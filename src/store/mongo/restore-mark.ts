import type { Collection, Db } from 'mongodb';
import { InterlockError } from '../../core/errors.js';
import type { Unfinished } from '../archive.js';
import { LIMIT, read } from './calls.js';

export type MarkDocument = Unfinished & { _id: 'restore' };

export function marks(db: Db): Collection<MarkDocument> {
  return db.collection<MarkDocument>('meta');
}

export async function markOf(db: Db): Promise<Unfinished | undefined> {
  const mark = await read('find the mark of a restore', () => marks(db).findOne({ _id: 'restore' }, LIMIT));
  if (!mark) return undefined;
  const { backup, phase, startedAt, by } = mark;
  return { backup, phase, startedAt, by };
}

/** Throws InterlockError `CONFLICT` while a restore is under way, or when one did not come to its end. */
export async function refuseHalfRestored(db: Db): Promise<void> {
  const mark = await markOf(db);
  if (!mark) return;
  throw new InterlockError(
    'CONFLICT',
    `The database "${db.databaseName}" is being restored from the backup ${mark.backup} since ${mark.startedAt.toISOString()} (${mark.by}), or that restore ` +
      'was interrupted. If nothing is restoring it any more, run `interlock restore DIR` again; nothing starts on it before that is through.',
  );
}
