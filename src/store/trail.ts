/** `begun`: nothing else is known; the process that did it, or the database, went away meanwhile. */
export const TRAIL_OUTCOMES = ['begun', 'done', 'refused', 'failed'] as const;
export type TrailOutcome = (typeof TRAIL_OUTCOMES)[number];

/** One thing that somebody did who operates the deployment. */
export interface TrailEntry {
  /** UUIDv7 of `at`. */
  id: string;
  at: Date;
  /** The name of a token, or `local`. */
  who: string;
  /** Id of that token. */
  token?: string;
  /** As the OpenAPI document names it. */
  operation: string;
  /** An id or a name. */
  target?: string;
  /** What else there is to say, as `role=admin`. */
  detail?: string;
  requestId: string;
  outcome: TrailOutcome;
  /** That of the answer. */
  status?: number;
  /** Kept until then; absent: for ever. */
  expiresAt?: Date;
}

export interface TrailFilter {
  who?: readonly string[] | undefined;
  operation?: readonly string[] | undefined;
  target?: readonly string[] | undefined;
  outcome?: readonly TrailOutcome[] | undefined;
  /** Ids from this one on, … */
  from?: string | undefined;
  /** … and before this one. */
  before?: string | undefined;
}

/** What operators did. Nothing is ever changed in it but the outcome of what had begun. */
export interface TrailStore {
  /** Throws StoreError: what cannot be written down must not be done. */
  append(entry: TrailEntry): Promise<void>;
  settle(id: string, end: Pick<TrailEntry, 'status' | 'detail'> & { outcome: TrailOutcome }): Promise<void>;
  /** Newest first. */
  list(filter: TrailFilter, limit: number): Promise<TrailEntry[]>;
}
