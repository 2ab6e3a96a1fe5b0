/**
 * What is asked of a database before anything is believed of it. Nothing is changed. What the server does not tell (this user may not ask it) is
 * absent, which is no fault.
 */
export type DatabaseDiagnosis =
  | { state: 'unreachable'; why: string }
  /** It answers, and does not let this user in. */
  | { state: 'refused'; why: string }
  | ReachedDatabase;

export interface ReachedDatabase {
  state: 'reached';
  database: string;
  version: string;
  kind: 'replica-set' | 'sharded' | 'standalone' | 'uninitiated';
  /** As `7.0`. */
  featureCompatibility?: string;
  /** Milliseconds since 1970, there and here at the middle of one exchange. */
  clock: { thereMs: number; hereMs: number; roundTripMs: number };
  /** Members that hold data and vote. */
  members?: { healthy: number; neededForMajority: number; down: string[] };
  disk?: { usedBytes: number; totalBytes: number };
  /** Of the user that is logged in. */
  mayNot?: { user: string; actions: string[] };
  /** What differs from what this version makes; absent where it cannot be looked at. */
  drift?: DatabaseDrift;
  /** How many bearer tokens there are. */
  tokens?: number;
}

export interface DatabaseDrift {
  /** As `index tasks.seq`, `document leases.beat`. */
  missing: string[];
  /** A sentence each, with what mends it. */
  differing: string[];
  /** A newer schema, or a restore that is not through: what every role refuses to start on. */
  refused?: string;
  /** What the mark says that a process left who had seen higher numbers. */
  backwards?: string;
}
