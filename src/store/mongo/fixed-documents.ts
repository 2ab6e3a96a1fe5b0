import type { Db } from 'mongodb';
import { LIMIT, read, write } from './calls.js';
import type { CounterDocument, LeaseDocument, MetaDocument } from './database.js';
import type { TaskDocument } from './task-documents.js';

/** Raised when a newer Interlock writes records that an older one would misread. */
export const SCHEMA = 1;

/** Documents that are updated ever after, and never inserted by a role: an upsert that races would make two of one. */
const FIXED = ['counters.seq', 'leases.resource-manager', 'leases.beat', 'meta.deployment'] as const;
type Fixed = (typeof FIXED)[number];

/** Creates those that are missing; resolves with their names, as `document counters.seq`. */
export async function createDocuments(db: Db): Promise<string[]> {
  const missing = await missingDocuments(db);
  if (missing.length === 0) return [];
  const used = await numbersInUse(db);
  const created: string[] = [];
  // What counts anew is no older database, and the roles are told before they see it.
  const begun = missing.some(name => name !== 'meta.deployment');
  if (begun)
    await write('renumber', () =>
      db.collection<MetaDocument>('meta').updateOne({ _id: 'deployment' }, { $inc: { renumbered: 1 } }, LIMIT),
    );
  for (const name of missing) {
    const [collection, _id] = parts(name);
    const result = await write(`create ${name}`, () =>
      collectionOf(db, collection).updateOne({ _id }, { $setOnInsert: fields(name, used) }, { upsert: true, ...LIMIT }),
    );
    if (result.upsertedCount > 0) created.push(`document ${name}`);
  }
  return created;
}

export async function missingDocuments(db: Db): Promise<Fixed[]> {
  const missing: Fixed[] = [];
  for (const name of FIXED) {
    const [collection, _id] = parts(name);
    const found = await read(`find ${name}`, () => collectionOf(db, collection).findOne({ _id }, LIMIT));
    if (!found) missing.push(name);
  }
  return missing;
}

function parts(name: Fixed): [collection: string, id: string] {
  const [collection = '', id = ''] = name.split('.');
  return [collection, id];
}

function collectionOf(db: Db, name: string): ReturnType<typeof db.collection<{ _id: string }>> {
  return db.collection<{ _id: string }>(name);
}

interface Used {
  seq: number;
  fence: number;
}

/**
 * No lease has a holder at first, and each has lapsed; the first fence is 1, since 0 means "no grant". One that was lost has its floor at the
 * numbers in use: a leader who looked for gaps from the very first number on would not come to its work.
 */
function fields(name: Fixed, used: Used): Omit<CounterDocument, '_id'> | Omit<LeaseDocument, '_id'> | Omit<MetaDocument, '_id'> {
  switch (name) {
    case 'counters.seq':
      return { n: used.seq };
    case 'leases.resource-manager':
    case 'leases.beat':
      return { holder: '', incarnation: '', session: null, epoch: 0, until: new Date(0), fence: used.fence + 1, floor: used.seq };
    case 'meta.deployment':
      return { schema: SCHEMA, generation: 1, seqHigh: 0, createdAt: new Date() };
  }
}

/** A counter that was lost while the tasks were not (dropped by hand, a partial restore) goes on behind them, never from the beginning. */
async function numbersInUse(db: Db): Promise<Used> {
  // A damaged record must not keep a database from being mended.
  const number = (value: unknown): object => ({ $cond: [{ $isNumber: value }, value, 0] });
  const ofTask = { $add: [number('$grant.fence'), number('$maxAttempts')] };
  const ofAttempts = { $add: [number({ $max: '$attempts.grant.fence' }), number('$maxAttempts')] };
  const pipeline = [{ $group: { _id: null, seq: { $max: number('$seq') }, fence: { $max: { $max: [ofTask, ofAttempts] } } } }];
  const [used] = await read(
    'numbers in use',
    () => db.collection<TaskDocument>('tasks').aggregate<Used>(pipeline, { maxTimeMS: SCAN_MS }).toArray(),
    SCAN_MS,
  );
  return { seq: used?.seq ?? 0, fence: used?.fence ?? 0 };
}

/** It reads every task, and only where a document is missing. */
const SCAN_MS = 10 * 60_000;
