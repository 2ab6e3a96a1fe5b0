import { lentFenceOf, type Task, type TaskError } from '../../core/task.js';
import type { Awaited, WaitingStart, WaitStore } from '../../store/store.js';
import { atOnce } from './at-once.js';
import type { SimulatedDatabase } from './database.js';
import { changed } from './records.js';
import { isActive } from './tasks-start.js';

export function simulatedWaits(db: SimulatedDatabase): WaitStore {
  return atOnce<WaitStore>({
    await: (start, tasks) => note(db, start, tasks),
    lend: (id, token) => lend(db, id, token),
    awaited: ids => [...new Set(ids)].flatMap(id => db.tasks.get(id) ?? []).map(awaited),
    awaiting: (seq, limit) => awaiting(db, seq, limit),
    failWaiting: (id, seq, error) => failWaiting(db, { id, seq }, error),
  });
}

function note(db: SimulatedDatabase, { id, token, n, fence }: WaitingStart, tasks: readonly string[]): boolean {
  const task = db.tasks.get(id);
  if (!isActive(task, token) || (task.run.waits ?? 0) > n) return false;
  db.tasks.put(
    changed(task, {
      run: { ...task.run, waits: n, ...(fence !== undefined && { fence }) },
      awaiting: tasks.length > 0 ? [...tasks] : undefined,
    }),
  );
  return true;
}

function lend(db: SimulatedDatabase, id: string, token: string): number | undefined {
  const task = db.tasks.get(id);
  if (!isActive(task, token) || task.state !== 'running' || !task.grant) return undefined;
  db.tasks.put(changed(task, { lends: true }));
  return task.grant.fence;
}

function awaited({ id, name, state, result, error, reason, attempts, under }: Task): Awaited {
  return {
    ...{ id, name, state },
    ...(result !== undefined && { result }),
    ...(error && { error: { ...error } }),
    ...(reason && { reason }),
    ...lentFenceOf({ attempts, ...(under && { under }) }),
  };
}

function awaiting(db: SimulatedDatabase, seq: number, limit: number): Pick<Task, 'id' | 'seq'>[] {
  const found = [...db.tasks.open()].filter(task => task.awaiting !== undefined && task.seq > seq);
  return found
    .sort((a, b) => a.seq - b.seq)
    .slice(0, limit)
    .map(({ id, seq: number }) => ({ id, seq: number }));
}

function failWaiting(db: SimulatedDatabase, { id, seq }: Pick<Task, 'id' | 'seq'>, error: TaskError): boolean {
  const task = db.tasks.get(id);
  if (!task) return false;
  if (task.state !== 'waiting' || task.waitingFor !== 'resources' || task.grant || task.seq !== seq)
    return task.state === 'failed' && task.error?.code === error.code;
  const over = { state: 'failed', error: { ...error }, finishedAt: db.now() } as const;
  db.tasks.put(changed(task, { ...over, waitingFor: undefined, dueAt: undefined }));
  return true;
}
