import type { JsonObject } from '../core/json.js';
import type { Transport } from './transport.js';
import type { Page, RepositoryView, SchedulePreview, ScheduleView, TaskView } from './views.js';

/** Periodic tasks. */
export interface Schedules {
  /** At most 1,000, in order of id after this one; `next` is null on the last page. */
  list(query?: { after?: string; limit?: number }): Promise<Page<ScheduleView>>;
  /** As `POST /schedules`: `{name, task: {submit body}, interval: seconds | cron, timezone | iso8601, …}`. */
  add(schedule: JsonObject): Promise<ScheduleView>;
  get(id: string): Promise<ScheduleView>;
  /** Changes what is given; null takes a limit away. With the `revision` that was read, it throws PRECONDITION_FAILED when somebody was quicker. */
  update(id: string, change: JsonObject, revision?: number): Promise<ScheduleView>;
  remove(id: string, revision?: number): Promise<void>;
  pause(id: string, reason?: string): Promise<ScheduleView>;
  /** From the next slot on: what passed meanwhile is not made up for. */
  resume(id: string): Promise<ScheduleView>;
  /** Submits its task now, beside its slots. The same key gives the same task. */
  run(id: string, idempotencyKey?: string): Promise<TaskView>;
  /** Its next slots, and which other schedules want the same resources within so many seconds. */
  next(id: string, query?: { count?: number; within?: number }): Promise<SchedulePreview>;
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
  const path = (id: string, rest = ''): string => `/schedules/${encodeURIComponent(id)}${rest}`;
  return {
    list: (query = {}) => transport.json('/schedules', { query }),
    add: body => transport.json('/schedules', { method: 'POST', body }),
    get: id => transport.json(path(id)),
    update: (id, body, revision) => transport.json(path(id), { method: 'PATCH', body, headers: ifMatch(revision) }),
    remove: (id, revision) => transport.json(path(id), { method: 'DELETE', headers: ifMatch(revision) }),
    pause: (id, reason) => transport.json(path(id, '/pause'), { method: 'POST', body: reason === undefined ? {} : { reason } }),
    resume: id => transport.json(path(id, '/resume'), { method: 'POST', body: {} }),
    run: (id, key) =>
      transport.json(path(id, '/run'), {
        method: 'POST',
        body: {},
        headers: key === undefined ? {} : { 'idempotency-key': key },
      }),
    next: (id, query = {}) => transport.json(path(id, '/next'), { query }),
  };
}

function ifMatch(revision: number | undefined): Record<string, string> {
  return revision === undefined ? {} : { 'if-match': `"${revision}"` };
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
