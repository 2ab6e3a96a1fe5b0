import type { Maintenance } from '../core/maintenance.js';

/** One for the whole deployment. */
export interface MaintenanceStore {
  /** Undefined: new tasks are taken. */
  read(): Promise<Maintenance | undefined>;
  /** Turns it on, and resolves with what stands then: one that is on already keeps its time, and its reason unless another one is given. */
  begin(wish: Omit<Maintenance, 'since'>): Promise<Maintenance>;
  /** False: it was not on. */
  end(): Promise<boolean>;
}
