import { setTimeout as sleep } from 'node:timers/promises';
import { BSON, MongoServerError, type ClientSession, type Collection, type Document } from 'mongodb';
import { InterlockError } from '../../../core/errors.js';
import type { Given } from '../../../core/restore.js';
import type { Snapshot } from '../../archive.js';
import { LIMIT, read, within } from '../calls.js';
import { serverNow, type CounterDocument, type Database, type LeaseDocument, type MetaDocument } from '../database.js';
import { translated } from '../errors.js';
import { collectionsOf } from './collections.js';

/** One answer of the server: 16 MiB at most, whatever their number. */
const BATCH = 1_000;
/** What is handed on at once. */
const BATCH_BYTES = 4 * 1024 * 1024;
const ANSWER_MS = 30_000;
/** An election is over within 15 s or so. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 1_000;
/** SnapshotTooOld: history is gone. SnapshotUnavailable: a collection was created, or an index built, after the moment. */
const TOO_OLD = 239;
const UNAVAILABLE = 246;
const TRIES = 5;

/**
 * Snapshot reads at one cluster time: the server keeps what it needs for them for 5 minutes by default, and nothing blocks a writer. Throws StoreError,
 * InterlockError `CONFLICT` for a database that is none of Interlock's.
 */
export async function openSnapshot(db: Database): Promise<Snapshot> {
  for (let n = 1; ; n += 1) {
    const at = await serverNow(db);
    const session = db.bulk.startSession({ snapshot: true });
    try {
      return await snapshotIn(db, session, at);
    } catch (error) {
      await session.endSession();
      if (n === TRIES || !hasCode(error, UNAVAILABLE)) throw error;
      await sleep(PAUSE_MS); // the next moment lies behind whatever was created
    }
  }
}

async function snapshotIn(db: Database, session: ClientSession, at: Date): Promise<Snapshot> {
  const view = new View(db, session);
  const meta = await view.one<MetaDocument>('meta', { _id: 'deployment' });
  if (!meta) {
    const detail = `The database "${db.bulkDb.databaseName}" is none of Interlock's: it holds nothing to back up. Check mongo.url, or run \`interlock manage-db\`.`;
    throw new InterlockError('CONFLICT', detail);
  }
  const given = await givenIn(view, meta);
  // Only now: the list is newer than the moment, so that no collection of it is missed.
  const { plain, others } = await collectionsOf(db.bulkDb);
  await view.reach(plain);
  return {
    at,
    moment: momentOf(session),
    schema: meta.schema,
    given,
    collections: plain,
    leftOut: others,
    queues: () => queuesIn(view),
    workers: async () => (await view.all('processes', { role: 'worker' })).map(({ _id }) => String(_id)),
    documents: collection => view.documents(collection),
    close: () => session.endSession(),
  };
}

/** The driver keeps it to itself. */
function momentOf(session: ClientSession): string {
  const time = (session as { snapshotTime?: { t: number; i: number } }).snapshotTime;
  return time ? `${time.t}:${time.i}` : '';
}

async function givenIn(view: View, { generation }: MetaDocument): Promise<Given> {
  const counter = await view.one<CounterDocument>('counters', { _id: 'seq' });
  const leases = (await view.all('leases', {})) as unknown as LeaseDocument[];
  return {
    seq: counter?.n ?? 0,
    fence: Math.max(1, ...leases.map(lease => lease.fence)),
    epoch: Math.max(0, ...leases.map(lease => lease.epoch)),
    generation,
  };
}

async function queuesIn(view: View): Promise<string[]> {
  const waiting = await view.distinct('tasks', 'queue', { waitingFor: { $exists: true } });
  const consumed = await view.distinct('processes', 'queues', { role: 'worker' });
  return [...new Set([...waiting, ...consumed].filter(name => typeof name === 'string'))].sort();
}

/** The database as it was at the moment of the first read. */
class View {
  readonly #db: Database;
  readonly #session: ClientSession;

  constructor(db: Database, session: ClientSession) {
    this.#db = db;
    this.#session = session;
  }

  async one<T extends Document>(collection: string, filter: Document): Promise<T | undefined> {
    return (await this.all(collection, filter))[0] as T | undefined;
  }

  all(collection: string, filter: Document): Promise<Document[]> {
    return read(`snapshot of ${collection}`, () =>
      this.#of(collection)
        .find(filter, { ...LIMIT, session: this.#session })
        .toArray(),
    );
  }

  distinct(collection: string, key: string, filter: Document): Promise<unknown[]> {
    return read(`snapshot of ${collection}`, () =>
      this.#of(collection).distinct(key, filter, { ...LIMIT, session: this.#session }),
    );
  }

  /** Throws when one of them cannot be read as it was. */
  async reach(collections: readonly string[]): Promise<void> {
    for (const name of collections) {
      const options = { ...LIMIT, session: this.#session, projection: { _id: 1 }, limit: 1 };
      await read(`snapshot of ${name}`, () => this.#of(name).find({}, options).toArray());
    }
  }

  async *documents(collection: string): AsyncGenerator<Uint8Array[]> {
    let last: Uint8Array | undefined;
    let failingSinceMs: number | undefined;
    for (;;) {
      try {
        for await (const batch of this.#after(collection, last)) {
          failingSinceMs = undefined;
          last = batch.at(-1);
          yield batch;
        }
        return;
      } catch (error) {
        if (!(error instanceof ReadError)) throw error; // of whoever takes the batches
        failingSinceMs ??= performance.now();
        if (hasCode(error.cause, TOO_OLD)) throw forgotten(this.#db);
        if (performance.now() - failingSinceMs > PATIENCE_MS)
          throw translated(error.cause, `snapshot of ${collection}`, 'refused');
        await sleep(PAUSE_MS);
      }
    }
  }

  async *#after(collection: string, last: Uint8Array | undefined): AsyncGenerator<Uint8Array[]> {
    // Not `{_id: {$gt}}`, which sees ids of one type only.
    const filter =
      last === undefined ? {} : { $expr: { $gt: ['$_id', { $literal: BSON.deserialize(last, TYPED)._id as unknown }] } };
    const options = { session: this.#session, raw: true, sort: { _id: 1 } as const, batchSize: BATCH };
    const cursor = this.#of(collection).find(filter, options);
    try {
      for (let batch = await fill(cursor); batch.length > 0; batch = await fill(cursor)) yield batch;
    } finally {
      await cursor.close().catch(() => undefined); // the server ends it by itself
    }
  }

  #of(collection: string): Collection {
    return this.#db.bulkDb.collection(collection, { readConcern: { level: 'snapshot' } });
  }
}

/** Every value as it is stored: a number keeps its kind. */
export const TYPED = { promoteValues: false } as const;

async function fill(cursor: { next(): Promise<unknown> }): Promise<Uint8Array[]> {
  const batch: Uint8Array[] = [];
  let bytes = 0;
  try {
    while (batch.length < BATCH && bytes < BATCH_BYTES) {
      const document = (await within(ANSWER_MS, cursor.next())) as Uint8Array | null;
      if (document === null) break;
      batch.push(document);
      bytes += document.byteLength;
    }
  } catch (error) {
    if (batch.length > 0) return batch; // the next call fails again, behind these
    throw new ReadError(error);
  }
  return batch;
}

class ReadError extends Error {
  constructor(cause: unknown) {
    super('reading was interrupted', { cause });
  }
}

function hasCode(error: unknown, code: number): boolean {
  const server = error instanceof InterlockError ? error.cause : error;
  return server instanceof MongoServerError && server.code === code;
}

function forgotten(db: Database): InterlockError {
  return new InterlockError(
    'CONFLICT',
    `MongoDB no longer knows how the database "${db.bulkDb.databaseName}" looked at the cut: reading took longer than it keeps that (5 minutes, unless told ` +
      'otherwise). Back up when it is quieter, or let it keep more, on every member: ' +
      "mongosh --eval 'db.adminCommand({setParameter: 1, minSnapshotHistoryWindowInSeconds: 1800})'",
  );
}
