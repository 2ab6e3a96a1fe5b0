import type { Document, Filter } from 'mongodb';
import type { ProcessRecord, Registration } from '../../core/process.js';
import { StoreError } from '../../core/errors.js';
import type { ProcessStore } from '../processes.js';
import { read, writeOnce } from './calls.js';
import { serverNow, type Database, type ProcessDocument } from './database.js';
import { isDuplicateKey } from './errors.js';
import { literal } from './pipelines.js';

/** Everything here is one small record: what takes longer than this has failed, and the next heartbeat is near. */
const CALL_MS = 4_000;
const LIMIT = { maxTimeMS: 3_500 } as const;
/** Register and release of the same name may cross this often before it is called an error. */
const REGISTER_TRIES = 3;
const LIST_LIMIT = 1_000;

export function mongoProcesses(db: Database): ProcessStore {
  return {
    register: (process, ttlMs) => register(db, process, ttlMs),
    beat: (name, incarnation, ttlMs, deadlineMs) => beat(db, { name, incarnation }, ttlMs, deadlineMs),
    stop: (name, incarnation) => stop(db, name, incarnation),
    declareMissing: (process, condition) => declareMissing(db, process, condition),
    settle: (name, incarnation) => settle(db, name, incarnation),
    forget: (olderThanMs, limit) => forget(db, olderThanMs, limit),
    get: name => get(db, name),
    list: () => list(db),
    earliestLapseMs: () => earliestLapseMs(db),
  };
}

type Registered = Awaited<ReturnType<ProcessStore['register']>>;

/** The upsert meets the unique `_id` exactly when the filter refused the record that is there. */
async function register(db: Database, process: Registration, ttlMs: number): Promise<Registered> {
  for (let n = 0; n < REGISTER_TRIES; n += 1) {
    if (await registered(db, process, ttlMs)) return { kind: 'registered' };
    const by = await get(db, process.name);
    if (by && !isFree(by, process.incarnation)) return { kind: 'held', by };
  }
  throw new StoreError(`The record of ${process.name} changed hands at each of ${REGISTER_TRIES} tries.`, 'refused');
}

/** An incarnation that was declared missing is never revived: its holder needs a fresh one. */
function isFree(by: ProcessRecord, incarnation: string): boolean {
  if (by.incarnation === incarnation) return by.state === 'live';
  return by.state === 'stopped' || (by.state === 'missing' && by.settled === true);
}

async function registered(db: Database, process: Registration, ttlMs: number): Promise<boolean> {
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
  const record: Document = { $mergeObjects: [literal({ _id: name, ...fields }), lease] };
  return writeOnce(
    'register',
    async () => {
      try {
        await db.processes.updateOne(filter, [{ $replaceWith: record }], { upsert: true, ...LIMIT });
        return true;
      } catch (error) {
        if (isDuplicateKey(error)) return false;
        throw error;
      }
    },
    CALL_MS,
  );
}

interface Identity {
  name: string;
  incarnation: string;
}

async function beat(db: Database, { name, incarnation }: Identity, ttlMs: number, deadlineMs: number): Promise<boolean> {
  const prolonged = { beat: { $add: ['$beat', 1] }, beatAt: '$$NOW', leaseUntil: { $add: ['$$NOW', ttlMs] } };
  const limit = { maxTimeMS: deadlineMs, writeConcern: { w: 'majority' as const, wtimeoutMS: deadlineMs } };
  const result = await writeOnce(
    'heartbeat',
    () => db.processes.updateOne({ _id: name, incarnation, state: 'live' }, [{ $set: prolonged }], limit),
    deadlineMs,
  );
  return result.matchedCount === 1;
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

async function list(db: Database): Promise<ProcessRecord[]> {
  const found = await read(
    'list processes',
    () => db.processes.find({}, { ...LIMIT, sort: { state: 1, startedAt: -1 }, limit: LIST_LIMIT }).toArray(),
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
