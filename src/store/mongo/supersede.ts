import type { Filter, UpdateFilter } from 'mongodb';
import { OWN_ENDS } from '../../core/superseded.js';
import type { Superseded } from '../../core/task.js';
import { LIMIT, read, write } from './calls.js';
import type { Database } from './database.js';
import type { TaskDocument } from './task-documents.js';

type Verdict = 'kept' | 'open' | 'void';

/** Matches at most once: what stands there already, also by an earlier try, is left as it is. */
export async function supersede(
  db: Database,
  start: { id: string; token: string },
  { result, ...late }: Omit<Superseded, 'at'>,
): Promise<Verdict> {
  const endedByOthers = { token: start.token, reason: { $nin: OWN_ENDS }, superseded: { $exists: false } };
  const filter = { _id: start.id, attempts: { $elemMatch: endedByOthers } } as Filter<TaskDocument>;
  const written = { ...late, ...(result !== undefined && { result: JSON.stringify(result) }) };
  const fields = Object.entries(written).map(([name, value]): [string, unknown] => [`attempts.$.superseded.${name}`, value]);
  const change = {
    $set: Object.fromEntries(fields),
    $currentDate: { 'attempts.$.superseded.at': true },
  } as UpdateFilter<TaskDocument>;
  const answer = await write('supersede', () => db.tasks.updateOne(filter, change, LIMIT));
  return answer.matchedCount === 1 ? 'kept' : readBack(db, start);
}

async function readBack(db: Database, { id, token }: { id: string; token: string }): Promise<Verdict> {
  const options = { ...LIMIT, projection: { run: 1, attempts: 1 } } as const;
  const record = await read('supersede, read back', () => db.tasks.findOne({ _id: id }, options));
  if (record?.run?.token === token) return 'open';
  const attempts = Array.isArray(record?.attempts) ? record.attempts : [];
  return attempts.find(attempt => attempt.token === token)?.superseded ? 'kept' : 'void';
}
