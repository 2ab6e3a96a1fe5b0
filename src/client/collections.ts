import type { JsonObject } from '../core/json.js';
import type { Transport } from './transport.js';
import type { Page, RepositoryView, ScheduleView, TaskView } from './views.js';

/** Periodic tasks. */
export interface Schedules {
  list(): Promise<Page<ScheduleView>>;
  /** As `POST /schedules`: `{name, task: {submit body}, interval: seconds, …}`. */
  add(schedule: JsonObject): Promise<ScheduleView>;
  get(id: string): Promise<ScheduleView>;
  remove(id: string): Promise<void>;
}

/** Repositories of the file plugin. */
export interface Repositories {
  list(): Promise<Page<RepositoryView>>;
  create(repository: JsonObject): Promise<RepositoryView>;
  get(name: string): Promise<RepositoryView>;
  remove(name: string): Promise<TaskView | undefined>;
  /** The task that mirrors it; locks the repository. */
  sync(name: string, body?: JsonObject): Promise<TaskView>;
  /** The task that publishes what was synced; locks the repository. */
  publish(name: string, body?: JsonObject): Promise<TaskView>;
}

export function createSchedules(transport: Transport): Schedules {
  const path = (id: string): string => `/schedules/${encodeURIComponent(id)}`;
  return {
    list: () => transport.json('/schedules'),
    add: body => transport.json('/schedules', { method: 'POST', body }),
    get: id => transport.json(path(id)),
    remove: id => transport.json(path(id), { method: 'DELETE' }),
  };
}

export function createRepositories(transport: Transport): Repositories {
  const path = (name: string, rest = ''): string => `/repositories/${encodeURIComponent(name)}${rest}`;
  return {
    list: () => transport.json('/repositories'),
    create: body => transport.json('/repositories', { method: 'POST', body }),
    get: name => transport.json(path(name)),
    remove: name => transport.json(path(name), { method: 'DELETE' }),
    sync: (name, body = {}) => transport.json(path(name, '/sync'), { method: 'POST', body }),
    publish: (name, body = {}) => transport.json(path(name, '/publish'), { method: 'POST', body }),
  };
}
