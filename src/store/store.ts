/**
 * The ports to the truth. Adapters: `mongo/`. Rules that hold for every method:
 * - a write that resolves is stored by a majority; a read that leads to an act is a majority read;
 * - every call has a deadline; what is not clearly answered throws `StoreError` with outcome `unknown`, and such a
 *   write may still land later. The caller reads back by the token that it sent;
 * - every change of a task names the expected state and owner; what did not match is told, never forced.
 */
export type { GrantStore, Lease, LeaseName, LeaseStore, GrantRequest, GrantVerdict, Move } from './leases.js';
export type { DocumentStore, StoredDocument, Documents } from './documents.js';
export type { Dependent, JoinStore } from './joins.js';
export type { Backlog } from './backlog.js';
export type { CapacityStore } from './capacities.js';
export type { GroupStore, TaskGroup } from './groups.js';
export type { MaintenanceStore } from './maintenance.js';
export type { ProcessStore } from './processes.js';
export type { BucketWrite, RateStore } from './rates.js';
export type { ResourceStore, ResourceUse } from './resources.js';
export type { EndedPage, EndedPlace, EndedQuery, RetentionStore } from './retention.js';
export type { ScheduleStore } from './schedules.js';
export type { Ended, InsertVerdict, LineTask, TaskFilter, TaskStore } from './tasks.js';
export type { NewToken, Token, TokenStore } from './tokens.js';
export type { TrailEntry, TrailFilter, TrailStore } from './trail.js';
export type { Awaited, WaitingStart, WaitStore } from './waits.js';

import type { CapacityStore } from './capacities.js';
import type { Documents } from './documents.js';
import type { GroupStore } from './groups.js';
import type { JoinStore } from './joins.js';
import type { GrantStore, LeaseStore } from './leases.js';
import type { MaintenanceStore } from './maintenance.js';
import type { ProcessStore } from './processes.js';
import type { RateStore } from './rates.js';
import type { ResourceStore } from './resources.js';
import type { RetentionStore } from './retention.js';
import type { ScheduleStore } from './schedules.js';
import type { TaskStore } from './tasks.js';
import type { TokenStore } from './tokens.js';
import type { TrailStore } from './trail.js';
import type { WaitStore } from './waits.js';

/** One database, as a process sees it. */
export interface Store {
  tasks: TaskStore;
  processes: ProcessStore;
  leases: LeaseStore;
  grants: GrantStore;
  rates: RateStore;
  schedules: ScheduleStore;
  joins: JoinStore;
  groups: GroupStore;
  waits: WaitStore;
  capacities: CapacityStore;
  retention: RetentionStore;
  resources: ResourceStore;
  tokens: TokenStore;
  trail: TrailStore;
  documents: Documents;
  maintenance: MaintenanceStore;
  /**
   * Unique indexes without which a promise could be broken (numbers, idempotency keys, slots of schedules): a sentence for each that is missing or
   * differs, naming it and what mends it. Empty: all is well. Throws StoreError.
   */
  problems(): Promise<string[]>;
  /** Server version, and how long a ping took in milliseconds. Throws StoreError. */
  ping(): Promise<{ version: string; pingMs: number }>;
  /** Bounded: gives up after 2 s. */
  close(): Promise<void>;
}
