import type { Document, Filter } from 'mongodb';
import { isFinal, STATES, WAITING_FOR } from '../../core/state.js';
import type { Task } from '../../core/task.js';
import { LIMIT, read, write } from './calls.js';
import type { Database } from './database.js';
import { endedStart, oneMoreAttempt } from './finish.js';
import { liveAmong } from './lost.js';
import { isRun, isText, type Raw } from './flaws.js';
import { literal, without } from './pipelines.js';
import { END_OF_TASK_IDS, toTask, type TaskDocument } from './task-documents.js';

/** A record that somebody mends by hand in two steps is left the time between two rounds for the second one. */
const LOOKS = 3;
const LIMIT_RECORDS = 100;
/** What no query of ours comes across is looked for this often: two short reads of an index. */
const STRAYS_MS = 60_000;

/** Looks again at the damaged records that were met, and ends those that can be ended without a doubt. */
export async function quarantine(db: Database): Promise<string[]> {
  if (db.damage.straysAreDue(STRAYS_MS)) db.damage.note((await strayRecords(db)).map(toTask));
  const ids = db.damage.ids.slice(0, LIMIT_RECORDS);
  if (ids.length === 0) return [];
  const { records, live } = await readKnown(db, ids);
  const ended: string[] = [];
  for (const id of ids) {
    const record = records.get(id);
    const flaw = record && openFlaw(toTask(record));
    if (!record || flaw === undefined) {
      db.damage.forget(id);
      continue;
    }
    if (db.damage.look(id) < LOOKS) continue;
    if (await endOne(db, record, flaw, live)) ended.push(id);
  }
  return ended;
}

/** The records first, who lives second, from no older view: as in every sweep, or a new start would be taken for one of the dead. */
async function readKnown(db: Database, ids: string[]): Promise<{ records: Map<string, TaskDocument>; live: Set<string> }> {
  return db.bulk.withSession({ causalConsistency: true }, async session => {
    const filter = { _id: { $in: ids } };
    const found = await read('damaged records', () => db.tasks.find(filter, { ...LIMIT, session }).toArray());
    const named = found.map(record => incarnationOf(record)).filter(isText);
    return { records: new Map(found.map(record => [record._id, record])), live: await liveAmong(db, session, named) };
  });
}

function incarnationOf({ run }: Raw): unknown {
  return (run as Raw | null | undefined)?.incarnation;
}

/** Words that no query of ours ever looks for. Voids have no state either, but their ids sort behind. */
async function strayRecords(db: Database): Promise<TaskDocument[]> {
  const states = { _id: { $lt: END_OF_TASK_IDS }, state: { $nin: [...STATES] } };
  const reasons = { waitingFor: { $exists: true, $nin: [...WAITING_FOR] } };
  const find = (filter: Filter<TaskDocument>): Promise<TaskDocument[]> =>
    read('stray records', () => db.tasks.find(filter, { ...LIMIT, limit: LIMIT_RECORDS }).toArray());
  return (await Promise.all([find(states), find(reasons as Filter<TaskDocument>)])).flat();
}

function openFlaw({ state, damaged }: Task): string | undefined {
  return isFinal(state) ? undefined : damaged;
}

async function endOne(db: Database, record: TaskDocument, flaw: string, live: ReadonlySet<string>): Promise<boolean> {
  switch (whetherItRuns(record, live)) {
    case 'yes':
      return false; // its process ends it, or dies
    case 'no':
      return end(db, record, flaw);
    case 'unknown':
      db.damage.tellOnce(
        record._id,
        `The damaged record of task ${record._id} (${flaw}) cannot be ended: it may be running, nobody can tell where. ` +
          'What it reserves stays reserved until somebody mends the record, or deletes it once nothing of the task runs.',
      );
      return false;
  }
}

/** A start raises `attempt` and writes `run` at once; its end moves `run` to `attempts[]`. So a start that is still open shows. */
function whetherItRuns(raw: Raw, live: ReadonlySet<string>): 'yes' | 'no' | 'unknown' {
  const { run, attempt, attempts } = raw;
  const incarnation = incarnationOf(raw);
  if (isText(incarnation)) return live.has(incarnation) ? 'yes' : 'no';
  const everyStartHasEnded = Array.isArray(attempts) && attempt === attempts.length;
  if (run === undefined && everyStartHasEnded) return 'no';
  return mayHold(raw) ? 'unknown' : 'no';
}

/** Without resources nothing is at stake but the result of a body that may be running. */
function mayHold({ grant, exclusive, shared, counted }: Raw): boolean {
  const none = (names: unknown): boolean => Array.isArray(names) && names.length === 0;
  return grant !== undefined || !none(exclusive) || !none(shared) || counted !== undefined;
}

/** Only if it is still as it was judged: a start, an end or a mending hand may have come between. */
async function end(db: Database, record: TaskDocument, flaw: string): Promise<boolean> {
  const raw = record as unknown as Raw;
  const asJudged = Object.fromEntries(['state', 'run', 'attempt', 'attempts'].map(name => [name, still(raw[name])]));
  const filter = { ...asJudged, _id: record._id } as Filter<TaskDocument>;
  const pipeline = [{ $set: failed(raw, `Its record was damaged (${flaw}); it was set aside and ended.`) }];
  const result = await write('end a damaged record', () => db.tasks.updateOne(filter, pipeline, LIMIT));
  if (result.matchedCount === 0) return false;
  db.damage.forget(record._id);
  return true;
}

function still(value: unknown): Document {
  return value === undefined ? { $exists: false } : { $eq: value };
}

function failed(raw: Raw, message: string): Document {
  return {
    state: 'failed',
    error: literal({ code: 'DAMAGED_RECORD', message }),
    finishedAt: '$$NOW',
    ...(isRun(raw.run) ? { attempts: oneMoreAttempt(endedStart('failed')) } : {}),
    ...without('run', 'grant', 'awaiting', 'lends', 'waitingFor', 'dueAt', 'uniqueKey'),
  };
}
