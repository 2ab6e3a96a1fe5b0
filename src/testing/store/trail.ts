import type { TrailEntry, TrailStore } from '../../store/store.js';
import { atOnce } from './at-once.js';
import type { SimulatedDatabase } from './database.js';
import { byId } from './records.js';

export function simulatedTrail(db: SimulatedDatabase): TrailStore {
  return atOnce<TrailStore>({
    append: entry => db.trail.put(entry.id, { ...entry }),
    settle(id, end) {
      const entry = db.trail.get(id);
      if (entry) db.trail.put(id, { ...entry, ...end });
    },
    list({ who, operation, target, outcome, from = '', before }, limit) {
      const among = <T>(values: readonly T[] | undefined, value: T | undefined): boolean =>
        values === undefined || (value !== undefined && values.includes(value));
      const wanted = (entry: TrailEntry): boolean =>
        [among(who, entry.who), among(operation, entry.operation), among(target, entry.target)].every(Boolean) &&
        among(outcome, entry.outcome) &&
        entry.id >= from &&
        (before === undefined || entry.id < before);
      return [...db.trail.values()]
        .filter(wanted)
        .sort((a, b) => byId(b, a))
        .slice(0, limit)
        .map(entry => ({ ...entry }));
    },
  });
}
