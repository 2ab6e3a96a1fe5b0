import type { CapacityStore } from '../../store/store.js';
import { atOnce } from './at-once.js';
import type { SimulatedDatabase } from './database.js';

export function simulatedCapacities(db: SimulatedDatabase): CapacityStore {
  return atOnce<CapacityStore>({
    declare(name, units) {
      const fresh = db.capacities.get(name) === undefined;
      db.capacities.put(name, units);
      return fresh;
    },
    withdraw: name => db.capacities.delete(name),
    of: names =>
      new Map(
        names.flatMap(name => {
          const units = db.capacities.get(name);
          return units === undefined ? [] : [[name, units] as const];
        }),
      ),
  });
}
