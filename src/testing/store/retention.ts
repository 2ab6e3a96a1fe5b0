import { isFinal } from '../../core/state.js';
import type { Task } from '../../core/task.js';
import type { EndedPage, EndedQuery, RetentionStore } from '../../store/store.js';
import { atOnce } from './at-once.js';
import type { SimulatedDatabase } from './database.js';
import { byId, changed } from './records.js';

export function simulatedRetention(db: SimulatedDatabase): RetentionStore {
  return atOnce<RetentionStore>({
    purge(query) {
      const floor = db.leases.get('resource-manager')?.floor ?? 0;
      const found = ended(db, query);
      const old = found.filter(task => task.seq <= floor && !isHeld(db, task));
      for (const task of old) db.tasks.delete(task);
      return pageOf(query, found, { done: old.length, kept: found.length - old.length });
    },
    purgeThese(ids) {
      const floor = db.leases.get('resource-manager')?.floor ?? 0;
      const found = ids.flatMap(id => db.tasks.get(id) ?? []).filter(({ state }) => isFinal(state));
      const old = found.filter(task => task.seq <= floor && !isHeld(db, task));
      for (const task of old) db.tasks.delete(task);
      return old.length;
    },
    expireResults(query) {
      const found = ended(db, { ...query, state: 'completed' });
      const having = found.filter(task => task.result !== undefined);
      const old = having.filter(task => !isHeld(db, task));
      for (const task of old) db.tasks.put(changed(task, { result: undefined, resultExpired: true }));
      return pageOf(query, found, { done: old.length, kept: having.length - old.length });
    },
    removeEmptyGroups(createdBefore, limit, afterId = '') {
      const page = [...db.groups.values()]
        .filter(({ id }) => id > afterId)
        .sort(byId)
        .slice(0, limit);
      const old = page.filter(({ createdAt }) => createdAt < createdBefore).map(({ id }) => id);
      const used = new Set([...db.tasks.all()].map(({ group }) => group));
      const empty = old.filter(id => !used.has(id));
      for (const id of empty) db.groups.delete(id);
      const last = old.at(-1);
      return { removed: empty.length, ...(last !== undefined && { last }), full: old.length === limit };
    },
  });
}

type EndedTask = Task & { finishedAt: Date };

function ended(db: SimulatedDatabase, { state, endedBefore, after, limit }: EndedQuery): EndedTask[] {
  const place = (finishedAt: Date, id: string): string => `${String(finishedAt.getTime()).padStart(16, '0')} ${id}`;
  const from = after ? place(after.finishedAt, after.id) : '';
  return [...db.tasks.all()]
    .filter((task): task is EndedTask => task.state === state && task.finishedAt !== undefined && task.finishedAt < endedBefore)
    .map(task => ({ task, at: place(task.finishedAt, task.id) }))
    .filter(({ at }) => at > from)
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .slice(0, limit)
    .map(({ task }) => task);
}

function isHeld(db: SimulatedDatabase, { group, parent }: Task): boolean {
  const spawner = parent === undefined ? undefined : db.tasks.get(parent);
  if (spawner && !isFinal(spawner.state)) return true;
  if (group === undefined) return false;
  for (const task of db.tasks.open()) if (task.group === group) return true;
  return false;
}

function pageOf(
  { limit }: Pick<EndedQuery, 'limit'>,
  found: readonly EndedTask[],
  counts: { done: number; kept: number },
): EndedPage {
  const last = found.at(-1);
  return { ...counts, ...(last && { last: { finishedAt: last.finishedAt, id: last.id } }), full: found.length === limit };
}
