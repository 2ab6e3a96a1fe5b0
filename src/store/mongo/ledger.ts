import type { Document, Filter } from 'mongodb';
import type { LedgerStore } from '../ledger.js';
import { LIMIT, read } from './calls.js';
import type { Database } from './database.js';
import { NO_VOID, type TaskDocument } from './task-documents.js';

/** What tells the history of a task; `progress`, arguments and results may be a thousand times as much. */
const FIELDS = [
  'seq',
  'name',
  'version',
  'queue',
  'exclusive',
  'shared',
  'counted',
  'state',
  'waitingFor',
  'grant',
  'attempt',
  'maxAttempts',
  'onWorkerLoss',
  'retry',
  'group',
  'after',
  'join',
  'rate',
  'run',
  'attempts',
  'cancel',
  'dueAt',
  'expiresAt',
  'error.code',
  'schedule',
  'idempotency',
  'createdAt',
  'readyAt',
  'startedAt',
  'finishedAt',
  'reason',
  'awaiting',
  'under',
] as const;
/** The server reads its clock when the command arrives, which is before it looks at the first record. */
const PROJECTION: Document = { ...Object.fromEntries(FIELDS.map(field => [field, 1])), auditedAt: '$$NOW' };

export function mongoLedger(db: Database): LedgerStore {
  return { page: (limit, afterId) => page(db, limit, afterId) };
}

/** Also what lies behind the ids of voids, where no list of ours looks. */
async function page(db: Database, limit: number, afterId = ''): ReturnType<LedgerStore['page']> {
  const filter: Filter<TaskDocument> = { _id: { $gt: afterId }, ...NO_VOID };
  const options = { ...LIMIT, projection: PROJECTION, sort: { _id: 1 } as const, limit, batchSize: limit };
  const found = await read('audit', () => db.tasks.find<Document & { _id: string }>(filter, options).toArray());
  const readAt = found[0]?.auditedAt as Date | undefined;
  return { records: found.map(toRecord), readAt };
}

function toRecord({ _id, ...fields }: Document & { _id: string }): { id: string } {
  const record = { ...fields, id: _id };
  delete (record as Document).auditedAt;
  return record;
}
