import type { Document } from 'mongodb';
import { StoreError } from '../../core/errors.js';
import { isFinal } from '../../core/state.js';
import type { EndReason } from '../../core/task.js';
import type { CancelVerdict } from '../tasks.js';
import { LIMIT, read, write } from './calls.js';
import type { Database } from './database.js';
import { literal, without } from './pipelines.js';
import { NO_VOID, OPEN, toTask } from './task-documents.js';

/** One update for both states, so that a start and a cancel can only come one after the other. */
export async function cancel(db: Database, id: string, by: string, reason: EndReason): Promise<CancelVerdict> {
  const open = { _id: id, state: OPEN, ...NO_VOID };
  const document = await write('cancel', () =>
    db.tasks.findOneAndUpdate(open, [{ $set: canceled(by, reason) }], { returnDocument: 'after', ...LIMIT }),
  );
  if (document) {
    return document.state === 'canceled'
      ? { kind: 'canceled', task: toTask(document) }
      : { kind: 'canceling', task: toTask(document) };
  }
  const closed = await read('cancel, read back', () => db.tasks.findOne({ _id: id, ...NO_VOID }, LIMIT));
  if (!closed) return { kind: 'missing' };
  const task = toTask(closed);
  if (isFinal(task.state)) return { kind: 'final', task };
  throw new StoreError(`Task ${id} was being stored while it was cancelled: cancel it again.`, 'refused');
}

/** The first cancel keeps its author and reason. */
function canceled(by: string, reason: EndReason): Document {
  // What has a run may be running, whatever a damaged record says of its state.
  const waiting = { $and: [{ $eq: ['$state', 'waiting'] }, { $eq: [{ $type: '$run' }, 'missing'] }] };
  const either = (over: unknown, still: unknown): Document => ({ $cond: [waiting, over, still] });
  return {
    cancel: { $ifNull: ['$cancel', { at: '$$NOW', by: literal(by), reason: literal(reason) }] },
    state: either('canceled', 'canceling'),
    reason: either(literal(reason), '$reason'),
    finishedAt: either('$$NOW', '$finishedAt'),
    grant: either('$$REMOVE', '$grant'),
    uniqueKey: either('$$REMOVE', '$uniqueKey'),
    ...without('waitingFor', 'dueAt'),
  };
}
