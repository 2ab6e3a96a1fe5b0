import { BSON, type Document } from 'mongodb';
import { restoredTask, type Given, type Open } from '../../../core/restore.js';
import { slotAfter } from '../../../core/schedule-rule.js';
import { FINAL_STATES } from '../../../core/state.js';
import type { Change } from '../../archive.js';
import type { ScheduleDocument } from '../database.js';
import { SCHEMA } from '../fixed-documents.js';
import { flawOf, isDate, isRule, isText, TASK_CHECKS } from '../flaws.js';
import type { TaskDocument } from '../task-documents.js';
import { TYPED } from './snapshot.js';

export type Fate = 'kept' | 'canceled' | 'requeued' | 'dropped';

/** Why these bytes are no document; undefined: they are one. */
export function flawOfBytes(bytes: Uint8Array): string | undefined {
  try {
    BSON.deserialize(bytes, TYPED);
    return undefined;
  } catch (error) {
    return (error as Error).message; // of BSON, of UTF-8, of a stack that is full of nesting
  }
}

/** A record as it is to stand in the restored database. What has ended, and what is none of ours, stays as it was to the last bit. */
export function changed(collection: string, bytes: Uint8Array, change: Change): { document: Document; fate: Fate } {
  const document = BSON.deserialize(bytes, TYPED);
  switch (collection) {
    case 'tasks':
      return task(document, bytes, change);
    case 'schedules':
      return {
        document: change.passOver ? schedule(BSON.deserialize(bytes) as ScheduleDocument, change) : document,
        fate: 'kept',
      };
    // Who lived at the cut is gone.
    case 'processes':
      return { document, fate: 'dropped' };
    case 'counters':
    case 'meta':
      return { document, fate: isText(document._id) && FIXED.has(document._id) ? 'dropped' : 'kept' };
    case 'leases':
      return { document: isText(document._id) ? lease(document._id, change.given) : document, fate: 'kept' };
    default:
      return { document, fate: 'kept' };
  }
}

/** The maintenance too: a deployment that was backed up while it took nothing would come back closed, and nobody would know why. */
const FIXED = new Set(['seq', 'deployment', 'restore', 'backwards', 'maintenance']);

/** What every database has, whether or not the backup had it: with numbers beyond all that were ever given. */
export function fixed({ given, backup, cutAt, at }: Change): Record<string, Document[]> {
  const restored = { backup, cutAt, at };
  return {
    counters: [{ _id: 'seq', n: given.seq }],
    leases: ['resource-manager', 'beat'].map(name => lease(name, given)),
    meta: [{ _id: 'deployment', schema: SCHEMA, generation: given.generation, seqHigh: given.seq, createdAt: at, restored }],
  };
}

/** Lapsed, nobody's, and behind it nothing that anybody may still hold. Every number up to the floor counts as stored. */
function lease(_id: string, { epoch, fence, seq }: Given): Document {
  return { _id, holder: '', incarnation: '', session: null, epoch, until: new Date(0), fence, floor: seq };
}

function task(document: Document, bytes: Uint8Array, change: Change): { document: Document; fate: Fate } {
  const { state, voidAt } = document as { state?: unknown; voidAt?: unknown };
  if (voidAt !== undefined || isEnd(state)) return { document, fate: 'kept' };
  const record = BSON.deserialize(bytes) as TaskDocument & Open;
  const restored = restoredTask(record, change, flawOf(record, TASK_CHECKS) !== undefined);
  return { document: restored, fate: restored.state === 'canceled' ? 'canceled' : 'requeued' };
}

function isEnd(state: unknown): boolean {
  return FINAL_STATES.some(final => final === state);
}

/** What was decided and not done may have been done after the cut: it has passed, too. */
function schedule(document: ScheduleDocument, { at }: Change): Document {
  const { pending, nextAt, ...rest } = document;
  if (!pending && (!nextAt || nextAt > at)) return document;
  if (rest.paused !== undefined || rest.remainingRuns === 0) return rest;
  const next = nextSlot(rest.rule, at);
  if (next === 'unclear') return { ...rest, paused: { at, reason: UNCLEAR } };
  return next ? { ...rest, nextAt: next } : rest;
}

const UNCLEAR =
  'restored, and nobody can tell its next slot here: its rule is damaged, or this installation does not have its time zone';

function nextSlot(rule: unknown, at: Date): Date | undefined | 'unclear' {
  if (!isRule(rule)) return 'unclear';
  try {
    const next = slotAfter(rule, at);
    return next === undefined || isDate(next) ? next : 'unclear';
  } catch {
    return 'unclear';
  }
}
