import type { Json, JsonObject } from '../core/json.js';
import type { State, WaitingFor } from '../core/state.js';
import type { Exit, ProgressReport } from '../core/task.js';

/** A task as the API shows it. Times are RFC 3339 in UTC; what is not yet, or never, is null. */
export interface TaskView {
  id: string;
  href: string;
  name: string;
  args: Json[];
  kwargs: JsonObject;
  exclusive: string[];
  shared: string[];
  queue: string;
  priority: number;
  state: State;
  waitingFor: WaitingFor | null;
  attempt: number;
  maxAttempts: number;
  attempts: AttemptView[];
  worker: string | null;
  createdAt: string;
  readyAt: string | null;
  startedAt: string | null;
  finishedAt: string | null;
  result: Json;
  error: { code: string; message: string; traceback?: string } | null;
  reason: string | null;
  progress: ProgressReport[];
  createdResources: string[];
  parent: string | null;
  root: string | null;
  group: string | null;
  schedule: { id: string; slot: string } | null;
  retryOf: string | null;
  correlationId: string;
  tags: string[];
}

export interface AttemptView {
  n: number;
  worker: string;
  startedAt: string;
  finishedAt: string;
  reason: string;
  exit: Exit | null;
}

/** One page; `next` and `prev` are paths that give the neighbouring ones. */
export interface Page<T> {
  items: T[];
  next: string | null;
  prev: string | null;
  count?: number;
}

export interface Explanation {
  state: State;
  waitingFor: WaitingFor | null;
  resources: {
    name: string;
    mode: 'exclusive' | 'shared';
    holders: { task: string; worker: string | null; since: string }[];
    /** Tasks before it in line. */
    ahead: string[];
    /** 1 = next. */
    position: number;
  }[];
  workers: { live: number; free: number; suitable: number };
  /** The same for people. */
  text: string;
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
