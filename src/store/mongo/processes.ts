import type { Document, Filter } from 'mongodb';
import type { ProcessRecord, Registration, Told } from '../../core/process.js';
import { StoreError } from '../../core/errors.js';
import type { Wish } from '../../core/wish.js';
import type { Beaten, ProcessStore } from '../processes.js';
import { read, writeOnce } from './calls.js';
import { serverNow, type Database, type ProcessDocument } from './database.js';
import { isDuplicateKey } from './errors.js';
import { literal, orStillUnclear } from './pipelines.js';
import { refuseBackwards } from './high-water.js';
import { refuseHalfRestored } from './restore-mark.js';
import { refuseOtherSchema } from './schema-version.js';

/** Everything here is one small record: what takes longer than this has failed, and the next heartbeat is near. */
const CALL_MS = 4_000;
const LIMIT = { maxTimeMS: 3_500 } as const;
/** Register and release of the same name may cross this often before it is called an error. */
const REGISTER_TRIES = 3;
const LIST_LIMIT = 1_000;

export function mongoProcesses(db: Database): ProcessStore {
  return {
    register: (process, ttlMs) => register(db, process, ttlMs),
    beat: (name, incarnation, lease, told) => beat(db, { name, incarnation }, lease, told),
    wish: (process, next) => wish(db, process, next),
    stop: (name, incarnation) => stop(db, name, incarnation),
    declareMissing: (process, condition) => declareMissing(db, process, condition),
    settle: (name, incarnation) => settle(db, name, incarnation),
    forget: (olderThanMs, limit) => forget(db, olderThanMs, limit),
    get: name => get(db, name),
    list: (more = {}) => list(db, more),
    earliestLapseMs: () => earliestLapseMs(db),
  };
}

type Registered = Awaited<ReturnType<ProcessStore['register']>>;

/** The upsert meets the unique `_id` exactly when the filter refused the record that is there. */
async function register(db: Database, process: Registration, ttlMs: number): Promise<Registered> {
  await refuseBackwards(db.highWater);
  for (let n = 0; n < REGISTER_TRIES; n += 1) {
    const mine = await registered(db, process, ttlMs);
    if (mine) {
      await refuseBesideChange(db, process);
      return { kind: 'registered', ...mine };
    }
    const by = await get(db, process.name);
    if (by && !isFree(by, process.incarnation)) return { kind: 'held', by };
  }
  throw new StoreError(`The record of ${process.name} changed hands at each of ${REGISTER_TRIES} tries.`, 'refused');
}

/** A restore or an upgrade leaves its mark and then looks who lives; who comes registers and then looks for the mark: so one of the two sees the other. */
async function refuseBesideChange(db: Database, { name, incarnation }: Registration): Promise<void> {
  try {
    await refuseHalfRestored(db.bulkDb);
    await refuseOtherSchema(db.bulkDb);
  } catch (error) {
    await stop(db, name, incarnation).catch(() => undefined); // a restore takes all of these records away, and an upgrade watches them
    throw error;
  }
}

/** An incarnation that was declared missing is never revived: its holder needs a fresh one. */
function isFree(by: ProcessRecord, incarnation: string): boolean {
  if (by.incarnation === incarnation) return by.state === 'live';
  return by.state === 'stopped' || (by.state === 'missing' && by.settled === true);
}

async function registered(db: Database, process: Registration, ttlMs: number): Promise<Beaten | undefined> {
  const { name, ...fields } = process;
  const { incarnation } = process;
  const another = { incarnation: { $ne: incarnation } };
  const free: Filter<ProcessDocument>[] = [
    { ...another, state: 'stopped' },
    { ...another, state: 'missing', settled: true },
    { incarnation, state: 'live' },
  ];
  const filter = { _id: name, $or: free };
  const lease = { state: 'live', beat: 0, startedAt: '$$NOW', beatAt: '$$NOW', leaseUntil: { $add: ['$$NOW', ttlMs] } };
  const record: Document = { $mergeObjects: [literal({ _id: name, ...fields }), lease, INHERITED] };
  return writeOnce(
    'register',
    async () => {
      try {
        const options = { upsert: true, returnDocument: 'after', projection: { wish: 1 }, ...LIMIT } as const;
        return beaten(await db.processes.findOneAndUpdate(filter, [{ $replaceWith: record }], options));
      } catch (error) {
        if (isDuplicateKey(error)) return undefined;
        throw error;
      }
    },
    CALL_MS,
  );
}

/** What the record's next owner takes over: `wishOfSuccessor`. A repeated try of the same incarnation meets its own record, and keeps all of it. */
const INHERITED: Document = {
  $cond: [
    { $eq: [{ $type: '$wish' }, 'object'] },
    {
      wish: {
        ...{ n: '$wish.n', id: '$wish.id', at: '$wish.at', paused: '$wish.paused', draining: '$wish.draining' },
        slots: { $cond: [{ $gt: ['$wish.slots.n', { $ifNull: ['$heeded', 0] }] }, '$wish.slots', '$$REMOVE'] },
      },
    },
    {},
  ],
};

function beaten(document: { wish?: Wish } | null): Beaten | undefined {
  return document ? (document.wish ? { wish: document.wish } : {}) : undefined;
}

interface Identity {
  name: string;
  incarnation: string;
}

async function beat(
  db: Database,
  { name, incarnation }: Identity,
  { ttlMs, deadlineMs }: { ttlMs: number; deadlineMs: number },
  told: Partial<Told> = {},
): Promise<Beaten | undefined> {
  if (db.highWater.problem !== undefined) return undefined;
  db.highWater.look().catch(() => undefined); // what it finds ends the next heartbeat
  const said = Object.entries(told).map(([field, value]) => [field, literal(value)] as const);
  const prolonged = { beat: { $add: ['$beat', 1] }, beatAt: '$$NOW', leaseUntil: { $add: ['$$NOW', ttlMs] } };
  const limit = { maxTimeMS: deadlineMs, writeConcern: { w: 'majority' as const, wtimeoutMS: deadlineMs } };
  return writeOnce(
    'heartbeat',
    async () =>
      beaten(
        await db.processes.findOneAndUpdate(
          { _id: name, incarnation, state: 'live' },
          [{ $set: { ...prolonged, ...Object.fromEntries(said) } }],
          { returnDocument: 'after', projection: { wish: 1 }, ...limit },
        ),
      ),
    deadlineMs,
  );
}

async function wish(
  db: Database,
  { name, incarnation, wish: latest }: Pick<ProcessRecord, 'name' | 'incarnation' | 'wish'>,
  next: Omit<Wish, 'at'>,
): Promise<boolean> {
  const filter = {
    _id: name,
    incarnation,
    state: 'live' as const,
    'wish.n': latest ? latest.n : null,
  } as Filter<ProcessDocument>;
  const wanted = { $mergeObjects: [literal(next), { at: '$$NOW' }] };
  try {
    const result = await writeOnce('wish', () => db.processes.updateOne(filter, [{ $set: { wish: wanted } }], LIMIT), CALL_MS);
    return result.matchedCount === 1;
  } catch (error) {
    if (!(error instanceof StoreError) || error.outcome !== 'unknown') throw error;
    const landed = await orStillUnclear(error, () => get(db, name));
    if (landed?.wish?.id === next.id) return true;
    throw error;
  }
}

async function stop(db: Database, name: string, incarnation: string): Promise<boolean> {
  const result = await writeOnce(
    'stop',
    () =>
      db.processes.updateOne(
        { _id: name, incarnation, state: 'live' },
        [{ $set: { state: 'stopped', endedAt: '$$NOW' } }],
        LIMIT,
      ),
    CALL_MS,
  );
  return result.matchedCount === 1;
}

async function declareMissing(
  db: Database,
  watched: Pick<ProcessRecord, 'name' | 'incarnation' | 'beat'>,
  { lapsed }: { lapsed: boolean },
): Promise<boolean> {
  const { name, incarnation } = watched;
  const filter = {
    _id: name,
    incarnation,
    beat: watched.beat,
    state: 'live' as const,
    ...(lapsed ? { $expr: { $lt: ['$leaseUntil', '$$NOW'] } } : {}),
  };
  const result = await writeOnce(
    'declare missing',
    () => db.processes.updateOne(filter, [{ $set: { state: 'missing', endedAt: '$$NOW' } }], LIMIT),
    CALL_MS,
  );
  return result.matchedCount === 1;
}

async function settle(db: Database, name: string, incarnation: string): Promise<boolean> {
  const result = await writeOnce(
    'settle',
    () => db.processes.updateOne({ _id: name, incarnation, state: 'missing' }, { $set: { settled: true } }, LIMIT),
    CALL_MS,
  );
  return result.matchedCount === 1;
}

/** What is live again meanwhile has no `endedAt` any more, and is not deleted. */
async function forget(db: Database, olderThanMs: number, limit: number): Promise<string[]> {
  const before = new Date((await serverNow(db)).getTime() - olderThanMs);
  const ended: Filter<ProcessDocument> = { endedAt: { $lt: before }, $or: [{ state: 'stopped' }, { settled: true }] };
  const found = await read(
    'ended processes',
    () => db.processes.find(ended, { ...LIMIT, projection: { _id: 1 }, sort: { endedAt: 1 }, limit }).toArray(),
    CALL_MS,
  );
  if (found.length === 0) return [];
  const names = found.map(each => each._id);
  await writeOnce('forget processes', () => db.processes.deleteMany({ _id: { $in: names }, ...ended }, LIMIT), CALL_MS);
  return names;
}

async function get(db: Database, name: string): Promise<ProcessRecord | undefined> {
  const document = await read('get process', () => db.processes.findOne({ _id: name }, LIMIT), CALL_MS);
  return document ? toRecord(document) : undefined;
}

async function list(db: Database, { types, counts }: { types?: boolean; counts?: boolean }): Promise<ProcessRecord[]> {
  const projection = { projection: { ...(!types && { types: 0 }), ...(!counts && { counts: 0 }) } };
  const found = await read(
    'list processes',
    () => db.processes.find({}, { ...LIMIT, ...projection, sort: { state: 1, startedAt: -1 }, limit: LIST_LIMIT }).toArray(),
    CALL_MS,
  );
  return found.map(toRecord);
}

function toRecord({ _id, ...fields }: ProcessDocument): ProcessRecord {
  const record: ProcessRecord & { endedAt?: Date } = { name: _id, ...fields };
  delete record.endedAt;
  return record;
}

async function earliestLapseMs(db: Database): Promise<number | undefined> {
  const pipeline = [
    { $match: { state: 'live' } },
    { $group: { _id: null, earliest: { $min: '$leaseUntil' } } },
    { $project: { ms: { $subtract: ['$earliest', '$$NOW'] } } },
  ];
  const [found] = await read('earliest lapse', () => db.processes.aggregate<{ ms: number }>(pipeline, LIMIT).toArray(), CALL_MS);
  return found?.ms;
}
