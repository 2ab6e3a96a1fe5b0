import type { Json } from '../core/json.js';
import type { State } from '../core/state.js';

export type { Explanation } from '../core/explain.js';
export type { AttemptView, TaskView } from '../core/task-view.js';

/** One page; `next` and `prev` are paths that give the neighbouring ones. */
export interface Page<T> {
  items: T[];
  next: string | null;
  prev: string | null;
  count?: number;
}

export interface ProcessView {
  name: string;
  [detail: string]: Json;
}

export interface StatusView {
  healthy: boolean;
  reasons: string[];
  workers: ProcessView[];
  resourceManagers: ProcessView[];
  beats: ProcessView[];
  [detail: string]: unknown;
}

export interface ResourceView {
  name: string;
  [detail: string]: Json;
}

export interface ScheduleView {
  id: string;
  name: string;
  [detail: string]: Json;
}

export interface RepositoryView {
  name: string;
  href: string;
  [detail: string]: Json;
}

export interface GroupView {
  id: string;
  href: string;
  name: string;
  kind: 'group' | 'workflow';
  tasks: string;
  correlationId: string;
  createdAt: string;
  counts: Record<State, number>;
  total: number;
  /** Members that have ended, in whatever way. */
  done: number;
}
