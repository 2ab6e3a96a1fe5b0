import { claimsOf } from '../../core/reservation.js';
import { MAX_COUNTED, MAX_HOLDERS, type ResourceUse } from '../../store/resources.js';
import type { ResourceStore } from '../../store/store.js';
import { atOnce } from './at-once.js';
import type { SimulatedDatabase } from './database.js';
import { holds, line } from './tasks-lines.js';

export function simulatedResources(db: SimulatedDatabase): ResourceStore {
  return atOnce<ResourceStore>({
    inUse(limit, afterName) {
      const using = [...db.tasks.open()].filter(task => holds(task) || task.waitingFor === 'resources');
      const names = new Set(using.flatMap(task => claimsOf(task).map(claim => claim.resource)));
      const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      const from =
        afterName === undefined ? 0 : sorted.findIndex(name => Buffer.compare(Buffer.from(name), Buffer.from(afterName)) > 0);
      return from < 0 ? [] : sorted.slice(from, from + limit).map(name => useOf(db, name));
    },
  });
}

function useOf(db: SimulatedDatabase, name: string): ResourceUse {
  const all = line(db, name, Infinity);
  const holding = all.filter(task => task.grant);
  const waiting = all.filter(task => !task.grant);
  const [first] = waiting;
  return {
    name,
    holders: holding.slice(0, MAX_HOLDERS),
    holding: Math.min(MAX_COUNTED, holding.length),
    waiting: Math.min(MAX_COUNTED, waiting.length),
    ...(first && { oldest: first.createdAt }),
  };
}
