/** Why a deployment takes no new tasks at the moment. */
export interface Maintenance {
  /** Server time. */
  since: Date;
  /** Who turned it on. */
  by: string;
  reason?: string;
}

/** What an API or a beat knows of it is at most this old, in milliseconds: one small read a second, and only while somebody submits. */
export const MAINTENANCE_AGE_MS = 1_000;
