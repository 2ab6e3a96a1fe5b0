import type { Json, JsonObject } from '../core/json.js';
import type { FinalState } from '../core/state.js';
import type { SubmitOptions } from '../core/submit-body.js';
import { follow, type EventFilter, type FollowOptions, type StreamEvent } from './events.js';
import { createGroups, submitFlow, submitWorkflow, type Groups, type Workflow } from './workflows.js';
import type { Flow, Step } from './flow.js';
import { createRepositories, createSchedules, type Repositories, type Schedules } from './collections.js';
import { auditTrail, createTokens, type Tokens } from './access.js';
import { createWorkers, type Workers } from './workers.js';
import { actOnTasks, type Acted, type ActionFilter, type TaskAction } from './actions.js';
import { createMaintenance, type MaintenanceSwitch } from './maintenance.js';
import { purge, type Purged } from './purge.js';
import { TaskHandle, type WaitOptions } from './task-handle.js';
import { Transport, type ClientOptions, type QueryValue } from './transport.js';
import type {
  TrailEntryView,
  Explanation,
  Page,
  QueueView,
  ResourceUseView,
  ResourceView,
  StatusView,
  TaskView,
} from './views.js';

export type { ClientOptions } from './transport.js';
export type { WaitOptions } from './task-handle.js';
export type { EventFilter, EventView, FollowOptions, StreamEvent } from './events.js';
export type * from './views.js';
export { ApiError, ResultExpired, TaskCanceled, TaskFailed, TaskTimeout, Unreachable } from './errors.js';
export { chain, chord, group, step } from './flow.js';
export type { Flow, Step, StepOptions } from './flow.js';
export { TaskHandle } from './task-handle.js';
export type { WorkerAction, WorkerAnswers, Workers } from './workers.js';
export type { Acted, ActionFilter, TaskAction } from './actions.js';
export type { MaintenanceSwitch, MaintenanceView } from './maintenance.js';
export type { TokenWish, Tokens } from './access.js';
export type { Purged } from './purge.js';
export type { Groups, Workflow } from './workflows.js';

/** What the client needs of a defined task: its name, and the compiler its types. */
export interface TypedDefinition<Input, Result> {
  readonly kind: 'interlock.task';
  readonly name: string;
  readonly types?: { readonly input: Input; readonly result: Result };
}

/** Options of the submit body. Durations are seconds from now; resources are names, or anything with an address. */
export interface EnqueueOptions extends SubmitOptions {
  args?: readonly Json[];
  /** The same key and body give the same task. One is made up otherwise, so that a repeated request never makes two tasks. */
  idempotencyKey?: string;
}

export type TaskQuery = Readonly<Record<string, QueryValue>>;

export interface Client {
  readonly url: string;
  /** Sends a complete submit body; the record exists when it resolves. Throws InterlockError, Unreachable. */
  submit(body: JsonObject, options?: { idempotencyKey?: string }): Promise<TaskView>;
  /** Submits a defined task with its typed input. */
  enqueue<Input, Result>(
    definition: TypedDefinition<Input, Result>,
    input: NoInfer<Input>,
    options?: EnqueueOptions,
  ): Promise<TaskHandle<Result>>;
  /** Submits by name. */
  enqueue(name: string, input?: JsonObject, options?: EnqueueOptions): Promise<TaskHandle<Json>>;
  /** A task by its id; nothing is sent. */
  task<Result = Json>(id: string): TaskHandle<Result>;
  get(id: string): Promise<TaskView>;
  /** Filters as in `GET /tasks`; `next` of the answer, given here, is the following page. */
  list(query?: TaskQuery | string): Promise<Page<TaskView>>;
  wait(id: string, options?: WaitOptions): Promise<TaskView>;
  cancel(id: string, options?: { tree?: boolean }): Promise<TaskView>;
  /** Submits again what has failed or was canceled: a new task, whose `retryOf` is this one. The same key gives the same task. */
  retry(id: string, options?: { idempotencyKey?: string }): Promise<TaskView>;
  /** Deletes a task that has ended. */
  remove(id: string): Promise<void>;
  /** Cancels, retries or deletes all that the filter finds, which must name something; asked again until all of it was looked at. */
  act(action: TaskAction, filter: ActionFilter, options?: { dryRun?: boolean }): Promise<Acted>;
  explain(id: string): Promise<Explanation>;
  /** What changes in tasks that match, from now on, without an end. Throws Unreachable (after a minute without an answer). */
  events(filter?: EventFilter, options?: FollowOptions): AsyncGenerator<StreamEvent, void, undefined>;
  /** Deletes what has ended in these states, of any age unless a time is given; asked again until all of it was looked at. */
  purge(states: readonly FinalState[], options?: { finishedBefore?: Date | string }): Promise<Purged>;
  status(): Promise<StatusView>;
  resource(name: string): Promise<ResourceView>;
  /** Those that somebody holds or waits for, in order of name, after this one; `next` is null on the last page. */
  resources(query?: { after?: string; limit?: number }): Promise<Page<ResourceUseView>>;
  /** Cancels every task that holds it. Throws MissingResource where nobody knows it, CONFLICT where nobody holds it. */
  releaseResource(name: string): Promise<{ name: string; canceled: string[] }>;
  /** How many units of a resource there are, for tasks that count it; null: nobody may count it any more. */
  setCapacity(name: string, units: number | null): Promise<void>;
  openapi(): Promise<JsonObject>;
  /** Depth, consumers and waiting tasks of every queue that somebody names. */
  queues(): Promise<Page<QueueView>>;
  /** As `POST /workflows`: `{name?, tasks: {a: {submit body}, b: {…, after: ["a"]}}}`; all of its tasks, or none. */
  submitWorkflow(body: JsonObject): Promise<Workflow>;
  /** Submits tasks that come after one another, all or none. */
  run(flow: Flow, options?: { name?: string }): Promise<Workflow>;
  /** What operators did. */
  auditTrail(query?: TaskQuery | string): Promise<Page<TrailEntryView>>;
  readonly tokens: Tokens;
  readonly workers: Workers;
  readonly maintenance: MaintenanceSwitch;
  readonly groups: Groups;
  readonly schedules: Schedules;
  readonly repositories: Repositories;
}

/** A client of one API. Nothing is sent, and no connection held, until a method is called. Throws TypeError for a bad `url`. */
export function createClient(options: ClientOptions = {}): Client {
  const transport = new Transport(options);
  const task = (id: string): TaskHandle<never> => new TaskHandle(transport, id);
  const submit: Client['submit'] = (body, { idempotencyKey = crypto.randomUUID() } = {}) =>
    transport.repeatable<TaskView>('/tasks', { method: 'POST', body, headers: { 'idempotency-key': idempotencyKey } });
  const enqueue = async (
    what: string | { name: string },
    input?: unknown,
    given: EnqueueOptions = {},
  ): Promise<TaskHandle<never>> => {
    const { idempotencyKey, ...rest } = given;
    const body = bodyOf(typeof what === 'string' ? what : what.name, input, rest);
    return task((await submit(body, idempotencyKey === undefined ? {} : { idempotencyKey })).id);
  };
  return {
    url: transport.url,
    submit,
    enqueue: enqueue,
    task,
    get: id => task(id).get(),
    list: query => (typeof query === 'string' ? transport.json(query) : transport.json('/tasks', query && { query })),
    wait: (id, waiting) => task(id).wait(waiting),
    cancel: (id, canceling) => task(id).cancel(canceling),
    retry: (id, { idempotencyKey = crypto.randomUUID() } = {}) =>
      transport.repeatable(`/tasks/${encodeURIComponent(id)}/retry`, {
        ...{ method: 'POST', body: {}, headers: { 'idempotency-key': idempotencyKey } },
      }),
    remove: id => transport.json(`/tasks/${encodeURIComponent(id)}`, { method: 'DELETE' }),
    act: (action, filter, options) => actOnTasks(transport, action, filter, options),
    explain: id => task(id).explain(),
    events: (filter = {}, options = {}) => follow(transport, '/events', filter, { ...options, untilEnd: false }),
    purge: (states, query) => purge(transport, states, query),
    status: () => transport.json('/status'),
    resource: name => transport.json(pathOf(name)),
    resources: (query = {}) => transport.json('/resources', { query }),
    releaseResource: name => transport.json(`${pathOf(name)}/release`, { method: 'POST', body: {} }),
    setCapacity: async (name, units) => {
      if (units === null) await transport.json(pathOf(name), { method: 'DELETE' });
      else await transport.json(pathOf(name), { method: 'PUT', body: { capacity: units } });
    },
    openapi: () => transport.json('/openapi.json'),
    queues: () => transport.json('/queues'),
    submitWorkflow: body => submitWorkflow(transport, body),
    run: (flow, { name } = {}) => submitFlow(transport, flow, { name, submitBody: bodyOfStep }),
    auditTrail: (query = {}) => auditTrail(transport, query),
    tokens: createTokens(transport),
    workers: createWorkers(transport),
    maintenance: createMaintenance(transport),
    groups: createGroups(transport),
    schedules: createSchedules(transport),
    repositories: createRepositories(transport),
  };
}

function pathOf(resource: string): string {
  return `/resources/${encodeURIComponent(resource)}`;
}

function bodyOfStep({ name, kwargs, options }: Step): JsonObject {
  const submit = { ...options };
  delete submit.as;
  delete submit.join;
  return bodyOf(name, kwargs, submit);
}

function bodyOf(name: string, kwargs: unknown, options: Omit<EnqueueOptions, 'idempotencyKey'>): JsonObject {
  const { exclusive, shared, ...rest } = options;
  const body = {
    name,
    ...(kwargs !== undefined && { kwargs }),
    ...(exclusive && { exclusive: exclusive.map(nameOf) }),
    ...(shared && { shared: shared.map(nameOf) }),
    ...rest,
  };
  return JSON.parse(JSON.stringify(body)) as JsonObject; // dates become text, undefined fields vanish
}

function nameOf(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  const href = typeof resource === 'object' && resource !== null ? (resource as { href?: unknown }).href : undefined;
  if (typeof href === 'string') return href;
  throw new TypeError(`A resource is a string, or an object whose href is one, not ${JSON.stringify(resource)}`);
}
