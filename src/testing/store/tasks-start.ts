import { byRank } from '../../core/priority.js';
import type { ProgressReport, Run, Task } from '../../core/task.js';
import type { TaskStore } from '../../store/store.js';
import type { SimulatedDatabase } from './database.js';
import { byId, changed, hasCome } from './records.js';

type ClaimQuery = Parameters<TaskStore['claimable']>[0];
type Start = Parameters<TaskStore['start']>[0][number];

/** Free tasks of the queues, and tasks bound to this worker: the best of them. */
export function claimable(db: SimulatedDatabase, { queues, worker, only, limit }: ClaimQuery): Task[] {
  const now = db.now();
  const known = only && new Map(only.map(({ name, version }) => [name, version]));
  const offered = (task: Task): boolean => {
    if (task.waitingFor !== 'worker' || hasCome(task.expiresAt, now)) return false;
    if (known && (known.get(task.name) ?? -1) < (task.version ?? 0)) return false;
    if (task.grant?.worker !== undefined) return task.grant.worker === worker;
    return queues.includes(task.queue);
  };
  const sorted = [...db.tasks.open()].filter(offered).sort(byRank);
  return sorted.slice(0, limit).map(task => ({ ...task }));
}

/** What a start may be asked for at once, and is not there twice: nobody reads it back. */
export function startBest(
  db: SimulatedDatabase,
  queues: readonly string[],
  run: Omit<Run, 'at'>,
  only?: ClaimQuery['only'],
): Task | undefined {
  const [best] = claimable(db, { queues: [...queues], only, limit: 1 });
  if (!best) return undefined;
  start(db, [{ id: best.id, attempt: best.attempt, fence: best.grant?.fence ?? 0 }], run);
  return db.tasks.get(best.id);
}

/** A start that landed before is recognised by its token. */
export function start(db: SimulatedDatabase, starts: readonly Start[], run: Omit<Run, 'at'>): Set<string> {
  const now = db.now();
  const { worker, incarnation, token } = run;
  for (const wish of starts) {
    const task = db.tasks.get(wish.id);
    if (!task || !mayStart(task, wish, worker, now)) continue;
    const running = { state: 'running', waitingFor: undefined, attempt: task.attempt + 1, startedAt: now } as const;
    db.tasks.put(changed(task, { ...running, run: { worker, incarnation, token, at: now } }));
  }
  return new Set(starts.map(each => each.id).filter(id => db.tasks.get(id)?.run?.token === token));
}

/** As the caller read it, bound to nobody else, not expired, not cancelled. */
function mayStart(task: Task, wish: Start, worker: string, now: Date): boolean {
  return (
    task.state === 'waiting' &&
    task.waitingFor === 'worker' &&
    task.attempt === wish.attempt &&
    (task.grant?.fence ?? 0) === wish.fence &&
    (task.grant?.worker ?? worker) === worker &&
    !hasCome(task.expiresAt, now) &&
    task.cancel === undefined
  );
}

export type ActiveTask = Task & { run: Run };

/** In any run, or in that of this token. */
export function isActive(task: Task | undefined, token?: string): task is ActiveTask {
  if (task?.state !== 'running' && task?.state !== 'canceling') return false;
  return token === undefined || task.run?.token === token;
}

export function namedBy(db: SimulatedDatabase, incarnation: string): Task[] {
  const named = (task: Task): boolean => isActive(task) && task.run.incarnation === incarnation;
  return [...db.tasks.open()].filter(named).map(task => ({ ...task }));
}

export function active(db: SimulatedDatabase, limit: number, afterId?: string): Task[] {
  const found = [...db.tasks.open()].filter(task => isActive(task) && (afterId === undefined || task.id > afterId));
  return found
    .sort(byId)
    .slice(0, limit)
    .map(task => ({ ...task }));
}

export function activeOfTheDead(db: SimulatedDatabase, limit: number, afterId?: string): { tasks: Task[]; next?: string } {
  const page = active(db, limit, afterId);
  const live = new Set<string>();
  for (const { state, incarnation } of db.processes.values()) if (state === 'live') live.add(incarnation);
  const tasks = page.filter(task => !live.has(task.run?.incarnation ?? ''));
  const next = page.length === limit ? page.at(-1)?.id : undefined;
  return next === undefined ? { tasks } : { tasks, next };
}

export function report(
  db: SimulatedDatabase,
  { id, token }: { id: string; token: string },
  latest: { progress: ProgressReport[]; createdResources: string[] },
): boolean {
  const task = db.tasks.get(id);
  if (!isActive(task, token)) return false;
  const progress = latest.progress.map(each => ({ ...each }));
  db.tasks.put({ ...task, progress, createdResources: [...latest.createdResources] });
  return true;
}
