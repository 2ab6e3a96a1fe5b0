import { claimsOf } from '../../core/reservation.js';
import { isFinal, WAITING_FOR, type State, type WaitingFor } from '../../core/state.js';
import type { Task } from '../../core/task.js';
import type { Backlog, EndedPlace, TaskFilter, TaskStore } from '../../store/store.js';
import type { SimulatedDatabase } from './database.js';
import { byId } from './records.js';

type TaskPage = Awaited<ReturnType<TaskStore['list']>>;
type PageQuery = Parameters<TaskStore['list']>[1];
type EndedQuery = Parameters<TaskStore['listEnded']>[1];

export function get(db: SimulatedDatabase, id: string): Task | undefined {
  const task = db.tasks.get(id);
  return task && { ...task };
}

export function list(db: SimulatedDatabase, filter: TaskFilter, page: PageQuery): TaskPage {
  return pageOf([...db.tasks.all()].filter(task => matches(task, filter)).sort(byId), page, ({ id }, edge) =>
    id < edge ? -1 : id === edge ? 0 : 1,
  );
}

export function listEnded(db: SimulatedDatabase, filter: TaskFilter, page: EndedQuery): TaskPage {
  const order = (a: EndedPlace, b: EndedPlace): number =>
    a.finishedAt.getTime() - b.finishedAt.getTime() || (a.id < b.id ? -1 : a.id === b.id ? 0 : 1);
  const ended = [...db.tasks.all()].filter(
    (task): task is Task & EndedPlace => task.finishedAt !== undefined && isFinal(task.state) && matches(task, filter),
  );
  return pageOf(ended.sort(order), page, order);
}

/** Of tasks in their order; `order` says where one stands to a place. */
function pageOf<T extends Task, Place>(
  tasks: readonly T[],
  { limit, newestFirst, after, before }: { limit: number; newestFirst: boolean; after?: Place; before?: Place },
  order: (task: T, place: Place) => number,
): TaskPage {
  const backwards = before !== undefined;
  const descending = newestFirst !== backwards;
  const edge = before ?? after;
  const beyond = (task: T): boolean => edge === undefined || (descending ? order(task, edge) < 0 : order(task, edge) > 0);
  const found = tasks.filter(beyond);
  if (descending) found.reverse();
  const items = found.slice(0, limit).map(task => ({ ...task }));
  return { items: backwards ? items.reverse() : items, more: found.length > limit };
}

export function ids(
  db: SimulatedDatabase,
  filter: TaskFilter,
  { limit, afterId = '' }: { limit: number; afterId?: string | undefined },
): string[] {
  return list(db, filter, { limit, newestFirst: false, after: afterId }).items.map(({ id }) => id);
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
    among(filter.resource, ...namesOf(task)) &&
    within(task.createdAt, filter.createdAfter, filter.createdBefore) &&
    within(task.finishedAt, filter.finishedAfter, filter.finishedBefore)
  );
}

function namesOf(task: Task): string[] {
  return claimsOf(task).map(claim => claim.resource);
}

/** From `after`, itself included, up to but without `before`. */
function within(time: Date | undefined, after: Date | undefined, before: Date | undefined): boolean {
  if (!after && !before) return true;
  return time !== undefined && (!after || time >= after) && (!before || time < before);
}

export function runsOf(db: SimulatedDatabase, schedule: string, after: Date, limit: number): Pick<Task, 'id' | 'state'>[] {
  const slots = [...db.tasks.all()].flatMap(({ id, state, schedule: of }) =>
    of?.id === schedule && of.slot > after ? [{ id, state, slot: of.slot.getTime() }] : [],
  );
  slots.sort((a, b) => b.slot - a.slot);
  return slots.slice(0, limit).map(({ id, state }) => ({ id, state }));
}

export function queues(db: SimulatedDatabase, limit: number): string[] {
  return [...new Set([...db.tasks.all()].map(({ queue }) => queue))].sort().slice(0, limit);
}

export function countByState(db: SimulatedDatabase): Partial<Record<State, number>> {
  const counts: Partial<Record<State, number>> = {};
  for (const { state } of db.tasks.all()) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

export function backlog(db: SimulatedDatabase, cap: number): Backlog {
  const open = [...db.tasks.open()].sort((a, b) => a.seq - b.seq);
  const counted = (wanted: (task: Task) => boolean): number => Math.min(cap, open.filter(wanted).length);
  const waiting = WAITING_FOR.map(what => [what, counted(task => task.waitingFor === what)] as const);
  const ready = open.filter(task => task.waitingFor === 'worker').slice(0, 100);
  const readySince = earliest(ready.map(task => new Date(Math.max(task.grant?.at.getTime() ?? 0, task.readyAt?.getTime() ?? 0))));
  const blockedSince = open.find(task => task.waitingFor === 'resources')?.readyAt;
  const due = open.flatMap(task => task.dueAt ?? []).sort((a, b) => a.getTime() - b.getTime());
  const [dueFrom, dueUntil] = [due[0], due.at(-1)];
  return {
    now: db.now(),
    running: counted(task => task.state === 'running'),
    canceling: counted(task => task.state === 'canceling'),
    waiting: Object.fromEntries(waiting) as Record<WaitingFor, number>,
    ...(readySince && { readySince }),
    ...(blockedSince && { blockedSince }),
    ...(dueFrom && { dueFrom }),
    ...(dueUntil && { dueUntil }),
  };
}

function earliest(times: readonly Date[]): Date | undefined {
  return times.length === 0 ? undefined : new Date(Math.min(...times.map(time => time.getTime())));
}

export function remove(db: SimulatedDatabase, id: string): 'deleted' | 'not-final' | 'missing' {
  const task = db.tasks.get(id);
  if (!task) return 'missing';
  if (!isFinal(task.state)) return 'not-final';
  db.tasks.delete(task);
  return 'deleted';
}
