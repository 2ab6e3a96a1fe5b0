import type { State } from '../core/state.js';

/** Tasks that belong together. What has become of it is what the records of its members say; nothing is counted in it. */
export interface TaskGroup {
  /** UUIDv7. */
  id: string;
  name: string;
  kind: 'group' | 'workflow';
  correlationId: string;
  createdAt: Date;
}

export type NewGroup = Omit<TaskGroup, 'createdAt'>;

export interface GroupStore {
  /** A repeated try gives what is stored. Throws StoreError. */
  create(group: NewGroup): Promise<TaskGroup>;
  get(id: string): Promise<TaskGroup | undefined>;
  /** Only its own record; its members stay. */
  remove(id: string): Promise<void>;
  /** Newest first, before this id. */
  list(limit: number, beforeId?: string): Promise<TaskGroup[]>;
  /** How many of its members are in each state. */
  counts(id: string): Promise<Partial<Record<State, number>>>;
  /** Ids of its members that are not final, in order of id, after this one. */
  openMembers(id: string, limit: number, afterId?: string): Promise<string[]>;
}
