import type { WaitingFor } from '../core/state.js';
import type { Transport } from './transport.js';

export interface MaintenanceView {
  /** New tasks are refused with the code MAINTENANCE. */
  on: boolean;
  since: string | null;
  by: string | null;
  reason: string | null;
  /** Tasks that have not ended; each number is counted up to 10,000. */
  open: { running: number; canceling: number; waiting: Record<WaitingFor, number> };
  /** When the first and the last delay, or pause before a retry, ends. */
  delays: { first: string; last: string } | null;
}

/** Whether the deployment takes new tasks. */
export interface MaintenanceSwitch {
  get(): Promise<MaintenanceView>;
  /** Resolves when no API takes anything any more. */
  on(reason?: string): Promise<MaintenanceView>;
  off(): Promise<MaintenanceView>;
}

export function createMaintenance(transport: Transport): MaintenanceSwitch {
  const set = (body: object): Promise<MaintenanceView> => transport.json('/maintenance', { method: 'POST', body });
  return {
    get: () => transport.json('/maintenance'),
    on: reason => set({ on: true, ...(reason !== undefined && { reason }) }),
    off: () => set({ on: false }),
  };
}
