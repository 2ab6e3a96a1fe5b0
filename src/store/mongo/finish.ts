import type { Document } from 'mongodb';
import { StoreError, UnstorableEndings } from '../../core/errors.js';
import type { Ending } from '../../core/outcome.js';
import { LIMIT, read, write } from './calls.js';
import type { Database } from './database.js';
import { batches, refusalOf, toWritten, type WrittenEnding } from './ending-documents.js';
import { isBadData } from './errors.js';
import { orStillUnclear, pick, updateTasks, without } from './pipelines.js';
import { OPEN, type TaskDocument } from './task-documents.js';

type Refusal = UnstorableEndings['refusals'][number];

/** Ends many starts, batch after batch; what landed before an error is recognised when the same endings come again. */
export async function finish(db: Database, endings: readonly Ending[]): Promise<Set<string>> {
  const ended = new Set<string>();
  const refusals: Refusal[] = [];
  for (const batch of batches(endings.map(toWritten))) {
    const answer = await finishApart(db, batch);
    for (const id of answer.ended) ended.add(id);
    refusals.push(...answer.refusals);
  }
  if (refusals.length > 0) throw new UnstorableEndings(refusals);
  return ended;
}

/** What cannot be stored must not keep the rest of its batch from ending: halves, and halves of halves, until it stands alone. */
async function finishApart(
  db: Database,
  batch: readonly WrittenEnding[],
): Promise<{ ended: readonly string[]; refusals: readonly Refusal[] }> {
  try {
    return { ended: await finishBatch(db, batch), refusals: [] };
  } catch (error) {
    if (!isBadData(error)) throw error;
    if (batch.length > 1) {
      const half = batch.length >> 1;
      const [first, second] = [await finishApart(db, batch.slice(0, half)), await finishApart(db, batch.slice(half))];
      return { ended: [...first.ended, ...second.ended], refusals: [...first.refusals, ...second.refusals] };
    }
    const [ending] = batch as [WrittenEnding];
    if (ending.kind === 'completed') return { ended: [], refusals: [refusalOf(ending, error)] };
    return { ended: await finishBatch(db, batch, WITHOUT_REPORTS), refusals: [] };
  }
}

/** For a record that is full: the end of a task counts more than what it said on its way. */
const WITHOUT_REPORTS = { progress: [], createdResources: [] };

async function finishBatch(db: Database, batch: readonly WrittenEnding[], instead: Document = {}): Promise<string[]> {
  const ids = batch.map(each => each.id);
  const tokens = batch.map(each => each.token);
  const guard = {
    'run.token': { $in: tokens },
    state: OPEN,
    $expr: { $eq: ['$run.token', pick(ids, tokens)] },
  };
  const pipeline = [
    { $set: { ending: pick(ids, batch) } },
    { $set: TARGET },
    { $set: { ...ended(), ...instead } },
    { $unset: ['ending', 'to'] },
  ];
  const answer = await updateTasks(db, 'finish', ids, { guard, pipeline });
  if (answer === batch.length) return ids;
  const seen = await orStillUnclear(answer, () => readBack(db, batch));
  // No clear answer, and some starts still stand as they were: the write was lost, or is yet to land. The caller asks again.
  if (answer instanceof StoreError && seen.untouched) throw answer;
  return seen.ended;
}

/** A task in `canceling` whose start was lost, given up or cancelled is canceled, whatever else was meant for it. */
const GIVES_WAY = { $and: [{ $eq: ['$state', 'canceling'] }, '$ending.loss'] };
const TARGET = {
  to: {
    $switch: {
      branches: [
        { case: GIVES_WAY, then: 'canceled' },
        { case: { $in: ['$ending.kind', ['requeued', 'retried']] }, then: 'waiting' },
      ],
      default: '$ending.kind',
    },
  },
};

/** A report has no word for "skipped". */
const END_OF_REPORTS = { $cond: [{ $eq: ['$to', 'skipped'] }, 'canceled', '$to'] };

/** All of a task's end; where an expression has no value, the field goes away. */
function ended(): Document {
  const queuedAgain = { $eq: ['$to', 'waiting'] };
  // Whoever has lent its grant starts again behind its borrowers: it gives the grant back, and joins the lines anew, at once.
  const retried = { $and: [queuedAgain, { $or: [{ $eq: ['$ending.kind', 'retried'] }, '$lends'] }] };
  const freed = { $and: [retried, { $or: [{ $ne: ['$ending.hold', true] }, '$lends'] }] };
  const reason = { $cond: [GIVES_WAY, '$cancel.reason', '$ending.reason'] };
  return {
    state: '$to',
    attempts: oneMoreAttempt(endedStart({ $cond: [GIVES_WAY, '$cancel.reason', '$ending.startReason'] })),
    ...without('run', 'awaiting', 'lends'),
    waitingFor: { $cond: [queuedAgain, { $cond: [retried, 'retry', 'worker'] }, '$$REMOVE'] },
    dueAt: { $cond: [retried, { $add: ['$$NOW', { $ifNull: ['$ending.delayMs', 0] }] }, '$$REMOVE'] },
    grant: { $cond: [{ $and: [queuedAgain, { $not: freed }] }, '$grant', '$$REMOVE'] },
    uniqueKey: { $cond: [queuedAgain, '$uniqueKey', '$$REMOVE'] },
    readyAt: { $cond: [queuedAgain, { $cond: [retried, '$$REMOVE', '$$NOW'] }, '$readyAt'] },
    startedAt: { $cond: [queuedAgain, '$$REMOVE', '$startedAt'] },
    finishedAt: { $cond: [queuedAgain, '$$REMOVE', '$$NOW'] },
    reason: { $cond: [queuedAgain, '$$REMOVE', reason] },
    result: { $cond: [{ $eq: ['$to', 'completed'] }, '$ending.result', '$$REMOVE'] },
    error: { $cond: [{ $in: ['$to', ['failed', 'skipped']] }, '$ending.error', '$$REMOVE'] },
    progress: closedProgress({ $cond: [retried, 'failed', { $cond: [queuedAgain, 'canceled', END_OF_REPORTS] }] }),
  };
}

/** `begunAt` is absent from most, and then from here. */
const GRANT_OF_START = { fence: '$grant.fence', epoch: '$grant.epoch', begunAt: '$grant.begunAt' };

/** The entry that `attempts` gets: the run and its grant, copied in the same write that ends them. */
export function endedStart(reason: unknown): Document {
  return {
    n: '$attempt',
    worker: '$run.worker',
    incarnation: '$run.incarnation',
    token: '$run.token',
    grant: {
      $cond: [{ $eq: [{ $type: '$grant' }, 'missing'] }, '$$REMOVE', GRANT_OF_START],
    },
    fence: '$run.fence',
    startedAt: '$run.at',
    finishedAt: '$$NOW',
    reason,
    error: '$ending.startError',
    exit: '$ending.exit',
  };
}

/** A record that was damaged meanwhile must not stop the ends of all others in the same command. */
export function oneMoreAttempt(start: Document): Document {
  return { $concatArrays: [listOr('$attempts'), [start]] };
}

function listOr(field: string): Document {
  return { $cond: [{ $isArray: field }, field, []] };
}

/** Reports that the body left open end as its task does. */
export function closedProgress(state: unknown): Document {
  const closed = { $mergeObjects: ['$$report', { state }] };
  return {
    $map: {
      input: listOr('$progress'),
      as: 'report',
      in: { $cond: [{ $eq: ['$$report.state', 'running'] }, closed, '$$report'] },
    },
  };
}

/** Which records show these very ends, written now or by an earlier try, and whether some still show their start. */
async function readBack(db: Database, batch: readonly WrittenEnding[]): Promise<{ ended: string[]; untouched: boolean }> {
  const filter = { _id: { $in: batch.map(each => each.id) } };
  const found = await read('finish, read back', () =>
    db.tasks.find(filter, { projection: { attempts: 1, cancel: 1, run: 1 }, hint: { _id: 1 }, ...LIMIT }).toArray(),
  );
  const byId = new Map(found.map(each => [each._id, each]));
  return {
    ended: batch.filter(ending => shows(byId.get(ending.id), ending)).map(ending => ending.id),
    untouched: batch.some(ending => byId.get(ending.id)?.run?.token === ending.token),
  };
}

function shows(record: Pick<TaskDocument, 'attempts' | 'cancel'> | undefined, ending: WrittenEnding): boolean {
  const attempt = endedOnes(record).find(each => each.token === ending.token);
  if (!attempt) return false;
  return attempt.reason === ending.startReason || (ending.loss && attempt.reason === record?.cancel?.reason);
}

function endedOnes(record: Pick<TaskDocument, 'attempts'> | undefined): TaskDocument['attempts'] {
  return Array.isArray(record?.attempts) ? record.attempts : [];
}

/** A start that is taken back counts against its rate all the same. */
const LIMITED = { $and: [{ $eq: [{ $type: '$rate' }, 'object'] }, { $eq: [{ $type: '$grant' }, 'object'] }] };
const BEGUN = { $mergeObjects: ['$grant', { begunAt: { $ifNull: ['$grant.begunAt', '$run.at'] } }] };

/** Takes a start back that nobody runs. It was no attempt, so it leaves no trace, unless it is the end of a cancelled task. */
export async function giveBack(db: Database, id: string, token: string): Promise<boolean> {
  const canceling = { $eq: ['$state', 'canceling'] };
  const either = (canceled: unknown, waiting: unknown): Document => ({ $cond: [canceling, canceled, waiting] });
  const change = {
    state: either('canceled', 'waiting'),
    attempts: either(oneMoreAttempt(endedStart('given-back')), '$attempts'),
    attempt: either('$attempt', { $cond: [{ $isNumber: '$attempt' }, { $subtract: ['$attempt', 1] }, '$attempt'] }),
    ...without('run', 'awaiting'),
    waitingFor: either('$$REMOVE', 'worker'),
    grant: either('$$REMOVE', { $cond: [LIMITED, BEGUN, '$grant'] }),
    uniqueKey: either('$$REMOVE', '$uniqueKey'),
    startedAt: either('$startedAt', '$$REMOVE'),
    finishedAt: either('$$NOW', '$$REMOVE'),
    reason: either('$cancel.reason', '$$REMOVE'),
    progress: closedProgress('canceled'),
  };
  const result = await write('give back', () =>
    db.tasks.updateOne({ _id: id, 'run.token': token, state: OPEN }, [{ $set: change }], LIMIT),
  );
  return result.matchedCount === 1;
}
