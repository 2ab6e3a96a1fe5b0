import type { Broker } from '../broker/broker.js';
import { InterlockError, MissingResource } from '../core/errors.js';
import { isFinal } from '../core/state.js';
import type { Task } from '../core/task.js';
import type { GroupStore, TaskStore } from '../store/store.js';
import type { Dependents } from './dependents.js';
import type { Events } from './events.js';
import type { Hints } from './hints.js';

export interface CancelDeps {
  tasks: Pick<TaskStore, 'cancel'>;
  hints: Hints;
  dependents: Pick<Dependents, 'ended'>;
  broker: Pick<Broker, 'broadcast'>;
  events: Pick<Events, 'changed'>;
}

/**
 * Cancels this one task, never what it spawned. The flag in the record is the truth; the messages only make it quick
 * (a worker also finds the flag with its next heartbeat). Throws MissingResource, TASK_FINAL, StoreError.
 */
export async function cancelTask(deps: CancelDeps, id: string, by: string): Promise<Task> {
  const verdict = await deps.tasks.cancel(id, by, 'user');
  switch (verdict.kind) {
    case 'missing':
      throw new MissingResource(`Task ${id}`);
    case 'final':
      throw new InterlockError('TASK_FINAL', `Task ${id} has ended already: it is ${verdict.task.state}.`);
    case 'canceled':
      deps.events.changed(verdict.task);
      deps.hints.changed([id]);
      deps.hints.ended(verdict.task);
      if (verdict.task.group !== undefined) deps.dependents.ended([id]);
      return verdict.task;
    case 'canceling':
      deps.events.changed(verdict.task);
      deps.broker.broadcast({ kind: 'cancel', task: id });
      return verdict.task;
  }
}

/** Ids of one page. */
const PAGE = 500;
/** Who is being cancelled may still spawn: so often the whole family is looked through again. */
const MAX_ROUNDS = 10;

/**
 * Cancels a task and whatever descends from it, eldest first, so that nobody is left who could spawn more. Resolves with the task as it is then, also when it
 * had ended before. Throws MissingResource, StoreError.
 */
export async function cancelTree(
  deps: CancelDeps & { tasks: Pick<TaskStore, 'get' | 'list'> },
  id: string,
  by: string,
): Promise<Task> {
  const eldest = await deps.tasks.get(id);
  if (!eldest) throw new MissingResource(`Task ${id}`);
  await cancelUnlessFinal(deps, id, by);
  for (let round = 0, found = 1; found > 0 && round < MAX_ROUNDS; round++) found = await cancelDescendants(deps, id, by);
  return (await deps.tasks.get(id)) ?? eldest;
}

/** Resolves with how many were not being cancelled yet. */
async function cancelDescendants(deps: CancelDeps & { tasks: Pick<TaskStore, 'list'> }, id: string, by: string): Promise<number> {
  let open = 0;
  for (let parents = [id]; parents.length > 0;) {
    const children: Task[] = [];
    for (const parent of batchesOf(parents)) children.push(...(await childrenOf(deps.tasks, parent)));
    const fresh = children.filter(({ state }) => !isFinal(state) && state !== 'canceling');
    for (const child of fresh) await cancelUnlessFinal(deps, child.id, by);
    open += fresh.length;
    parents = children.map(child => child.id);
  }
  return open;
}

async function childrenOf(tasks: Pick<TaskStore, 'list'>, parent: string[]): Promise<Task[]> {
  const found: Task[] = [];
  for (let after: string | undefined; ;) {
    const { items, more } = await tasks.list(
      { parent },
      { limit: PAGE, newestFirst: false, ...(after !== undefined && { after }) },
    );
    found.push(...items);
    after = items.at(-1)?.id;
    if (!more || after === undefined) return found;
  }
}

/** A list filter takes a hundred values. */
function batchesOf(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / 100) }, (_, index) => ids.slice(100 * index, 100 * (index + 1)));
}

/** Cancels every member that has not ended. Resolves with how many. Throws StoreError. */
export async function cancelGroup(
  deps: CancelDeps & { groups: Pick<GroupStore, 'openMembers'> },
  group: string,
  by: string,
): Promise<number> {
  let canceled = 0;
  for (let after: string | undefined; ;) {
    const ids = await deps.groups.openMembers(group, PAGE, after);
    for (const id of ids) if (await cancelUnlessFinal(deps, id, by)) canceled += 1;
    after = ids.at(-1);
    if (ids.length < PAGE) return canceled;
  }
}

/** Resolves with whether it had not ended. Throws StoreError. */
export async function cancelUnlessFinal(deps: CancelDeps, id: string, by: string): Promise<boolean> {
  try {
    await cancelTask(deps, id, by);
    return true;
  } catch (error) {
    if (error instanceof MissingResource || (error instanceof InterlockError && error.code === 'TASK_FINAL')) return false;
    throw error;
  }
}
