import type { Json, JsonObject } from '../core/json.js';
import type { SubmitOptions } from '../core/submit-body.js';
import { createGroups, submitFlow, type Groups, type Workflow } from './workflows.js';
import type { Flow, Step } from './flow.js';
import { createRepositories, createSchedules, type Repositories, type Schedules } from './collections.js';
import { TaskHandle, type WaitOptions } from './task-handle.js';
import { Transport, type ClientOptions, type QueryValue } from './transport.js';
import type { Explanation, Page, ProcessView, ResourceView, StatusView, TaskView } from './views.js';

export type { ClientOptions } from './transport.js';
export type { WaitOptions } from './task-handle.js';
export type * from './views.js';
export { ApiError, TaskCanceled, TaskFailed, TaskTimeout, Unreachable } from './errors.js';
export { chain, chord, group, step } from './flow.js';
export type { Flow, Step, StepOptions } from './flow.js';
export { TaskHandle } from './task-handle.js';
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
  explain(id: string): Promise<Explanation>;
  status(): Promise<StatusView>;
  workers(): Promise<Page<ProcessView>>;
  resource(name: string): Promise<ResourceView>;
  openapi(): Promise<JsonObject>;
  /** Submits tasks that come after one another, all or none. */
  run(flow: Flow, options?: { name?: string }): Promise<Workflow>;
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
    explain: id => task(id).explain(),
    status: () => transport.json('/status'),
    workers: () => transport.json('/workers'),
    resource: name => transport.json(`/resources/${encodeURIComponent(name)}`),
    openapi: () => transport.json('/openapi.json'),
    run: (flow, { name } = {}) => submitFlow(transport, flow, { name, submitBody: bodyOfStep }),
    groups: createGroups(transport),
    schedules: createSchedules(transport),
    repositories: createRepositories(transport),
  };
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
