import { isFinal } from '../../core/state.js';
import type { Task } from '../../core/task.js';
import type { GroupStore } from '../../store/store.js';
import { atOnce } from './at-once.js';
import type { SimulatedDatabase } from './database.js';
import { byId } from './records.js';

export function simulatedGroups(db: SimulatedDatabase): GroupStore {
  return atOnce<GroupStore>({
    create(group) {
      const stored = db.groups.get(group.id) ?? { ...group, createdAt: db.now() };
      db.groups.put(group.id, stored);
      return { ...stored };
    },
    get(id) {
      const group = db.groups.get(id);
      return group && { ...group };
    },
    list: (limit, beforeId) =>
      [...db.groups.values()]
        .filter(({ id }) => beforeId === undefined || id < beforeId)
        .sort((a, b) => byId(b, a))
        .slice(0, limit)
        .map(group => ({ ...group })),
    remove: id => void db.groups.delete(id),
    counts(id) {
      const counts: ReturnType<GroupStore['counts']> extends Promise<infer C> ? C : never = {};
      for (const { state } of members(db, id)) counts[state] = (counts[state] ?? 0) + 1;
      return counts;
    },
    openMembers: (id, limit, afterId = '') =>
      members(db, id)
        .filter(task => !isFinal(task.state) && task.id > afterId)
        .sort(byId)
        .slice(0, limit)
        .map(task => task.id),
  });
}

function members(db: SimulatedDatabase, id: string): Task[] {
  return [...db.tasks.all()].filter(task => task.group === id);
}
