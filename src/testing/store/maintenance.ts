import type { MaintenanceStore } from '../../store/store.js';
import { atOnce } from './at-once.js';
import type { SimulatedDatabase } from './database.js';

const ID = 'maintenance';

export function simulatedMaintenance(db: SimulatedDatabase): MaintenanceStore {
  return atOnce<MaintenanceStore>({
    read: () => db.maintenance.get(ID),
    begin({ by, reason }) {
      const begun = { ...(db.maintenance.get(ID) ?? { since: db.now(), by }), ...(reason !== undefined && { reason }) };
      db.maintenance.put(ID, begun);
      return begun;
    },
    end: () => db.maintenance.delete(ID),
  });
}
