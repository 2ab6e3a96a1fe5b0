import { isFinal } from '../../core/state.js';
import { rankOf } from '../../core/priority.js';
import { needsResources, type EndReason, type Task } from '../../core/task.js';
import type { TaskStore } from '../../store/store.js';
import type { SimulatedDatabase } from './database.js';
import { byId, changed, hasCome } from './records.js';

type CancelVerdict = Awaited<ReturnType<TaskStore['cancel']>>;
type Delayed = Awaited<ReturnType<TaskStore['due']>>[number];
type Ended = Awaited<ReturnType<TaskStore['expire']>>[number];

/** The first cancel keeps its author and reason. */
export function cancel(db: SimulatedDatabase, id: string, by: string, reason: EndReason): CancelVerdict {
  const task = db.tasks.get(id);
  if (!task) return { kind: 'missing' };
  if (isFinal(task.state)) return { kind: 'final', task: { ...task } };
  const now = db.now();
  const kind = task.state === 'waiting' ? 'canceled' : 'canceling';
  const over = kind === 'canceled' ? { reason, finishedAt: now, grant: undefined } : {};
  const gone = { waitingFor: undefined, dueAt: undefined };
  const after = changed(task, { cancel: task.cancel ?? { at: now, by, reason }, state: kind, ...over, ...gone });
  db.tasks.put(after);
  return { kind, task: { ...after } };
}

const ASSIGNED_LIMIT = 1_000;

export function cancelAssigned(db: SimulatedDatabase, { name, incarnation }: { name: string; incarnation: string }): Ended[] {
  const record = db.processes.get(name);
  if (record?.state !== 'missing' || record.settled || record.incarnation !== incarnation) return [];
  const assigned = ({ waitingFor, grant, onWorkerLoss }: Task): boolean =>
    waitingFor === 'worker' && grant?.worker === name && onWorkerLoss === 'cancel';
  const lost = [...db.tasks.open()].filter(assigned).slice(0, ASSIGNED_LIMIT);
  const end = { state: 'canceled', reason: 'worker-lost', finishedAt: db.now() } as const;
  const gone = { waitingFor: undefined, dueAt: undefined, grant: undefined };
  for (const task of lost) db.tasks.put(changed(task, { ...end, ...gone }));
  return lost.map(toEnded);
}

export function due(db: SimulatedDatabase, limit: number): Delayed[] {
  const now = db.now();
  const found = [...db.tasks.open()].filter(task => isDelayed(task) && hasCome(task.dueAt, now));
  found.sort((a, b) => a.dueAt!.getTime() - b.dueAt!.getTime());
  return found
    .slice(0, limit)
    .map(({ id, waitingFor, grant }) => ({ id, waitingFor: waitingFor as Delayed['waitingFor'], holds: grant !== undefined }));
}

function isDelayed(task: Task): boolean {
  return task.waitingFor === 'delay' || task.waitingFor === 'retry';
}

/**
 * In order of id, up to a number that is taken, as one `updateMany` does it: the rest stays due. Those that an earlier try moved to these
 * numbers are among the answer.
 */
export function promote(db: SimulatedDatabase, tasks: readonly Delayed[], firstSeq: number): Task[] {
  const now = db.now();
  const wishes = tasks.map((task, index) => ({ ...task, seq: firstSeq + index })).sort(byId);
  for (const { id, waitingFor, seq } of wishes) {
    const task = db.tasks.get(id);
    if (task?.state !== 'waiting' || task.waitingFor !== waitingFor || !hasCome(task.dueAt, now) || task.grant) continue;
    if (seq !== task.seq && db.tasks.at(seq) !== undefined) break;
    const next = needsResources(task) ? 'resources' : 'worker';
    const rank = rankOf(task.priority, now);
    db.tasks.put(changed(task, { seq, rank, waitingFor: next, readyAt: now, dueAt: undefined }));
  }
  const moved = ({ seq }: Task): boolean => seq >= firstSeq && seq < firstSeq + tasks.length;
  return wishes
    .flatMap(({ id }) => db.tasks.get(id) ?? [])
    .filter(moved)
    .map(task => ({ ...task }));
}

/** Those that an earlier try moved are among the answer. */
export function resume(db: SimulatedDatabase, tasks: readonly Delayed[]): Task[] {
  const now = db.now();
  for (const { id, waitingFor } of tasks.toSorted(byId)) {
    const task = db.tasks.get(id);
    if (task?.state !== 'waiting' || task.waitingFor !== waitingFor || !hasCome(task.dueAt, now) || !task.grant) continue;
    db.tasks.put(changed(task, { waitingFor: 'worker', readyAt: now, dueAt: undefined }));
  }
  const ready = (task: Task): boolean => task.waitingFor === 'worker' && task.grant !== undefined;
  return tasks
    .flatMap(({ id }) => db.tasks.get(id) ?? [])
    .filter(ready)
    .map(task => ({ ...task }));
}

export function expire(db: SimulatedDatabase, limit: number): Ended[] {
  const now = db.now();
  const late = [...db.tasks.open()].filter(task => task.state === 'waiting' && hasCome(task.expiresAt, now));
  late.sort((a, b) => a.expiresAt!.getTime() - b.expiresAt!.getTime());
  const gone = { waitingFor: undefined, dueAt: undefined, grant: undefined };
  for (const task of late.slice(0, limit)) {
    db.tasks.put(changed(task, { state: 'canceled', reason: 'expired', finishedAt: now, ...gone }));
  }
  return late.slice(0, limit).map(toEnded);
}

function toEnded({ id, parent }: Task): Ended {
  return parent === undefined ? { id } : { id, parent };
}
