import type { AccessRole } from '../core/access.js';
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
  /** Since when no new tasks are taken; null when they are, or an older API does not tell. */
  maintenance?: { since: string; by: string; reason: string | null } | null;
  [detail: string]: unknown;
}

export interface ResourceView {
  name: string;
  [detail: string]: Json;
}

/** A resource that somebody holds or waits for. */
export interface ResourceUseView {
  name: string;
  href: string;
  holders: { task: string; worker: string | null; since: string }[];
  /** Counted up to 1,000, as `waiting`. */
  holding: number;
  waiting: number;
  oldest: string | null;
  oldestSeconds: number | null;
}

export interface TokenView {
  id: string;
  href: string;
  name: string;
  role: AccessRole;
  /** How the token begins. */
  hint: string;
  createdAt: string;
  createdBy: string;
  expiresAt: string | null;
  expired: boolean;
  lastUsedAt: string | null;
}

/** One thing that an operator did. */
export interface TrailEntryView {
  id: string;
  at: string;
  who: string;
  token: string | null;
  operation: string;
  target: string | null;
  detail: string | null;
  requestId: string;
  outcome: 'begun' | 'done' | 'refused' | 'failed';
  status: number | null;
}

export interface ScheduleView {
  id: string;
  name: string;
  [detail: string]: Json;
}

export interface SchedulePreview {
  items: {
    slot: string;
    /** The same with the clock of its time zone. */
    local: string;
    conflicts: { schedule: { id: string; name: string }; slot: string; resources: string[] }[];
  }[];
  timezone: string;
  /** False: there are more schedules than were compared. */
  complete: boolean;
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

export interface QueueView {
  name: string;
  /** Hints in RabbitMQ; null when it cannot tell. */
  messages: number | null;
  consumers: number | null;
  /** Counted up to 10,000. */
  waiting: number;
  /** When the oldest of these was created. */
  oldest: string | null;
}
