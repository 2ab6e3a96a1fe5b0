import type { Json } from '../core/json.js';
import type { State, WaitingFor } from '../core/state.js';

export type { AttemptView, TaskView } from '../core/task-view.js';

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
