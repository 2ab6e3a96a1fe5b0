import type { Task } from '../../core/task.js';
import type { Dependent, JoinStore } from '../../store/store.js';
import { rankOf } from '../../core/priority.js';
import { needsResources } from '../../core/task.js';
import { atOnce } from './at-once.js';
import type { SimulatedDatabase } from './database.js';
import { byId, changed } from './records.js';

export function simulatedJoins(db: SimulatedDatabase): JoinStore {
  return atOnce<JoinStore>({
    dependentsOf: ids => dependents(db).filter(({ after }) => after.some(id => ids.includes(id))),
    waiting: (seq, limit) =>
      dependents(db)
        .filter(each => each.seq > seq)
        .slice(0, limit),
    states: ids => new Map(found(db, ids).map(({ id, state }) => [id, state])),
    outcomes: ids =>
      found(db, ids)
        .sort(byId)
        .map(({ id, state, result, error }) => ({
          ...{ id, state },
          ...(result !== undefined && { result }),
          ...(error && { error }),
        })),
    release: (ids, firstSeq) => release(db, ids, firstSeq),
    skip: ids => skip(db, ids),
  });
}

function dependents(db: SimulatedDatabase): Dependent[] {
  return [...db.tasks.open()]
    .filter(task => task.waitingFor === 'dependencies')
    .sort((a, b) => a.seq - b.seq)
    .map(({ id, seq, after = [], join = 'all-success' }) => ({ id, seq, join, after: after.map(each => each.id) }));
}

function found(db: SimulatedDatabase, ids: readonly string[]): Task[] {
  return ids.flatMap(id => db.tasks.get(id) ?? []);
}

/** In order of id, up to a number that is taken, as one `updateMany` does it. */
function release(db: SimulatedDatabase, ids: readonly string[], firstSeq: number): Task[] {
  const now = db.now();
  const wishes = ids.map((id, index) => ({ id, seq: firstSeq + index })).sort(byId);
  for (const { id, seq } of wishes) {
    const task = db.tasks.get(id);
    if (task?.state !== 'waiting' || task.waitingFor !== 'dependencies') continue;
    if (seq !== task.seq && db.tasks.at(seq) !== undefined) break;
    const rank = rankOf(task.priority, now);
    const early = task.dueAt !== undefined && task.dueAt > now;
    const ready = { waitingFor: needsResources(task) ? 'resources' : 'worker', readyAt: now, dueAt: undefined } as const;
    db.tasks.put(changed(task, { seq, rank, ...(early ? { waitingFor: 'delay' as const } : ready) }));
  }
  const moved = ({ seq }: Task): boolean => seq >= firstSeq && seq < firstSeq + ids.length;
  return found(db, ids)
    .filter(moved)
    .sort(byId)
    .map(task => ({ ...task }));
}

function skip(db: SimulatedDatabase, ids: readonly string[]): string[] {
  for (const task of found(db, ids)) {
    if (task.state !== 'waiting' || task.waitingFor !== 'dependencies') continue;
    const over = { state: 'skipped', reason: 'dependency-failed', finishedAt: db.now() } as const;
    db.tasks.put(changed(task, { ...over, waitingFor: undefined, dueAt: undefined }));
  }
  return found(db, ids).flatMap(({ id, state, reason }) => (state === 'skipped' && reason === 'dependency-failed' ? [id] : []));
}
