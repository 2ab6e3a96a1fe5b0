import { isFinal, type State } from '../../../src/core/state.js';
import type { Task } from '../../../src/core/task.js';
import type { TaskFilter, TaskStore } from '../../../src/store/store.js';
import type { SimulatedDatabase } from './database.js';
import { byId } from './records.js';

type TaskPage = Awaited<ReturnType<TaskStore['list']>>;
type PageQuery = Parameters<TaskStore['list']>[1];

export function get(db: SimulatedDatabase, id: string): Task | undefined {
  const task = db.tasks.get(id);
  return task && { ...task };
}

export function list(db: SimulatedDatabase, filter: TaskFilter, page: PageQuery): TaskPage {
  const backwards = page.before !== undefined;
  const descending = page.newestFirst !== backwards;
  const edge = page.before ?? page.after;
  const beyond = ({ id }: Task): boolean => edge === undefined || (descending ? id < edge : id > edge);
  const found = [...db.tasks.all()].filter(task => beyond(task) && matches(task, filter)).sort(byId);
  if (descending) found.reverse();
  const items = found.slice(0, page.limit).map(task => ({ ...task }));
  return { items: backwards ? items.reverse() : items, more: found.length > page.limit };
}

export function count(db: SimulatedDatabase, filter: TaskFilter, cap: number): number {
  let counted = 0;
  for (const task of db.tasks.all()) if (counted < cap && matches(task, filter)) counted++;
  return counted;
}

function matches(task: Task, filter: TaskFilter): boolean {
  const among = (wanted: readonly string[] | undefined, ...values: (string | undefined)[]): boolean =>
    wanted === undefined || values.some(value => value !== undefined && wanted.includes(value));
  return (
    among(filter.state, task.state) &&
    among(filter.name, task.name) &&
    among(filter.queue, task.queue) &&
    among(filter.tag, ...task.tags) &&
    among(filter.group, task.group) &&
    among(filter.parent, task.parent) &&
    among(filter.correlationId, task.correlationId) &&
    among(filter.schedule, task.schedule?.id) &&
    among(filter.worker, task.run?.worker, ...task.attempts.map(attempt => attempt.worker)) &&
    among(filter.resource, ...task.exclusive, ...task.shared) &&
    within(task.createdAt, filter.createdAfter, filter.createdBefore) &&
    within(task.finishedAt, filter.finishedAfter, filter.finishedBefore)
  );
}

/** From `after`, itself included, up to but without `before`. */
function within(time: Date | undefined, after: Date | undefined, before: Date | undefined): boolean {
  if (!after && !before) return true;
  return time !== undefined && (!after || time >= after) && (!before || time < before);
}

export function countByState(db: SimulatedDatabase): Partial<Record<State, number>> {
  const counts: Partial<Record<State, number>> = {};
  for (const { state } of db.tasks.all()) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

export function remove(db: SimulatedDatabase, id: string): 'deleted' | 'not-final' | 'missing' {
  const task = db.tasks.get(id);
  if (!task) return 'missing';
  if (!isFinal(task.state)) return 'not-final';
  db.tasks.delete(task);
  return 'deleted';
}
