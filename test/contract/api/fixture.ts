import { expect } from 'chai';
import { Type } from 'typebox';

import type { ApiDeps, ApiServer } from '../../../src/api/context.js';
import { DEFAULT_EVENT_LIMITS } from '../../../src/api/events/limits.js';
import { OwnMetrics } from '../../../src/api/metrics/own.js';
import { buildServer } from '../../../src/api/server.js';
import type { EventFeed, EventListener, PublishResult } from '../../../src/broker/broker.js';
import type { TaskEvent } from '../../../src/core/event.js';
import type { Standing } from '../../../src/core/line.js';
import type { Control } from '../../../src/core/hint.js';
import { Acceptor } from '../../../src/dispatch/accept.js';
import { Acceptance, heeding } from '../../../src/dispatch/acceptance.js';
import { cancelGroup, cancelTask, cancelTree } from '../../../src/dispatch/cancel.js';
import { Dependents } from '../../../src/dispatch/dependents.js';
import { Events } from '../../../src/dispatch/events.js';
import { Hints } from '../../../src/dispatch/hints.js';
import { catalogueOf } from '../../../src/dispatch/type-catalogue.js';
import { fastifyLogger } from '../../../src/process/fastify-logger.js';
import { createLogger } from '../../../src/process/logger.js';
import { silentLog } from '../../../src/process/log.js';
import { system } from '../../../src/process/system.js';
import type { Store } from '../../../src/store/store.js';
import { defineTask } from '../../../src/tasks/define-task.js';
import { Registry } from '../../../src/tasks/registry.js';
import { PassThrough } from 'node:stream';

import { answerCheck, documentOf, type AnswerCheck, type Served } from './openapi-document.js';

export const TYPES = catalogueOf(
  Registry.of(
    defineTask({
      name: 'repository.sync',
      input: Type.Object({ repository: Type.String(), depth: Type.Optional(Type.Integer()) }, { additionalProperties: false }),
      resources: ({ repository }) => {
        if (repository === 'explode') throw new Error('no such repository');
        return { exclusive: [`repository:${repository}`] };
      },
      handler: () => null,
    }),
    defineTask({ name: 'anything', queue: 'other', priority: 7, tags: ['preset'], handler: () => null }),
    { kind: 'interlock.task', name: 'calculator.add', plain: true, handler: () => 0 },
  ),
);

/** As the settings say them unless told otherwise. */
const LIMITS = { requestsPerSecond: 1_000, burst: 5_000, inFlight: 500, bodyMiB: 64, openTasks: 1_000_000 };

export const SETTINGS: ApiDeps['settings'] = {
  host: '127.0.0.1',
  port: 0,
  requireTokens: 'auto',
  auditSeconds: 3_600,
  allowedHosts: [],
  behindTlsProxy: false,
  maxConnections: 2_000,
  limits: LIMITS,
};

/** A broker that takes everything, as long as it is up. */
export class QuietBroker {
  readonly controls: Control[] = [];
  published = 0;
  state: 'up' | 'connecting' = 'up';
  #listener: EventListener | undefined;

  publish(): Promise<PublishResult> {
    if (this.state !== 'up') return Promise.resolve('deferred');
    this.published++;
    return Promise.resolve('confirmed');
  }
  broadcast(message: Control): void {
    this.controls.push(message);
  }
  emit(event: TaskEvent): void {
    this.#listener?.event(event);
  }
  listen(listener: EventListener): EventFeed {
    this.#listener = listener;
    queueMicrotask(() => listener.missed('connection'));
    return { live: true, close: () => Promise.resolve((this.#listener = undefined)) };
  }
  depth(): Promise<{ messages: number; consumers: number } | undefined> {
    return Promise.resolve({ messages: 3, consumers: 1 });
  }
  status(): ReturnType<ApiDeps['broker']['status']> {
    return {
      state: this.state,
      consumers: [],
      reconnects: 0,
      recycles: 0,
      returned: 0,
      deferred: 0,
      dead: 0,
      deadBy: { size: 0, format: 0, version: 0, content: 0 },
      eventsDropped: 0,
      version: '3.10.8',
    };
  }
}

export interface Opened {
  app: ApiServer;
  broker: QuietBroker;
  /** Every line of the log so far. */
  logged: () => string;
}

/** What an API on this store is given, with a quiet broker and a log that is kept. */
export function depsOn(store: Store, change: Partial<ApiDeps> = {}): Omit<Opened, 'app'> & { deps: ApiDeps } {
  const broker = new QuietBroker();
  const hints = new Hints(broker, system.clock);
  const events = new Events({ broker, tasks: store.tasks, clock: system.clock, log: silentLog });
  const dependents = new Dependents({ tasks: store.tasks, joins: store.joins, hints, events, log: silentLog });
  const canceling = { tasks: store.tasks, groups: store.groups, hints, events, dependents, broker };
  const acceptance = new Acceptance({ maintenance: store.maintenance, clock: system.clock });
  const metrics = new OwnMetrics({ interlock: '0.0.0-test', node: process.versions.node });
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const logger = createLogger({ role: 'api', instance: 'test', level: 'info', format: 'json', stream });
  const deps: ApiDeps = {
    store,
    broker,
    acceptor: heeding(
      new Acceptor({ tasks: store.tasks, hints, events, accepted: ({ name }) => metrics.accepted(name) }),
      acceptance,
    ),
    acceptance,
    cancel: (id, by) => cancelTask(canceling, id, by),
    cancelTree: (id, by) => cancelTree(canceling, id, by),
    cancelGroup: (id, by) => cancelGroup(canceling, id, by),
    types: TYPES,
    runtime: system,
    log: silentLog,
    loggerInstance: fastifyLogger(logger),
    settings: SETTINGS,
    plugins: [],
    version: '0.0.0-test',
    eventLimits: DEFAULT_EVENT_LIMITS,
    metrics,
    ...change,
  };
  return { deps, broker, logged: () => text };
}

/** An API that does not listen: requests are injected. */
export function openApi(store: Store, change: Partial<ApiDeps> = {}): Opened {
  const { deps, ...rest } = depsOn(store, change);
  return { app: buildServer(deps), ...rest };
}

/** The fields of answers that tests look at; each answer has some of them. */
export interface Body {
  id: string;
  name: string;
  state: string;
  waitingFor: string | null;
  args: number[];
  attempts: object[];
  // problems
  status: number;
  code: string;
  detail: string;
  instance: string;
  errors: { pointer: string; detail: string; reason?: string }[];
  // lists
  items: Body[];
  next: string;
  prev: string;
  // explanations and resources
  text: string;
  resources: Standing[];
  blockedBy: string[];
  holders: Standing['holders'];
  waiting: { task: string; position: number; resource: string; mode: string; units: number | null }[];
  // processes and status
  tasks: string[];
  online: boolean;
  healthy: boolean;
  reasons: string[];
  databaseConnection: { connected: boolean };
  brokerConnection: object;
  workers: Body[];
  resourceManagers: Body[];
  beats: Body[];
  ready: boolean;
  checks: { database: boolean };
  // actions on many
  count: number;
  kept: number;
  problems: { task: string; code: string; detail: string }[];
  retryOf: string | null;
  correlationId: string;
  // schedules and task types
  anchor: string;
  nextAt: string | null;
  input: object | null;
  revision: number;
  slot: string;
  local: string;
  conflicts: { schedule: { name: string }; slot: string; resources: string[] }[];
  complete: boolean;
}

export interface Answer {
  status: number;
  headers: Record<string, string | undefined>;
  body: Body;
}

export interface Asking {
  method?: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH' | 'OPTIONS' | 'HEAD' | 'QUERY';
  body?: unknown;
  /** Sent as it is. */
  text?: string | Buffer;
  headers?: Record<string, string>;
}

const checks = new WeakMap<ApiServer, AnswerCheck>();

/** What of this answer the API's own document does not promise. */
function unpromised(app: ApiServer, method: string, path: string, answer: Served): string | undefined {
  const check = checks.get(app) ?? answerCheck(documentOf(app));
  checks.set(app, check);
  return check(method, path, answer);
}

/** One request below the base (or a whole path outside it). Its answer is held to what the OpenAPI document says of it. */
export async function ask(app: ApiServer, path: string, { method, body, text, headers = {} }: Asking = {}): Promise<Answer> {
  const outside = /^\/(livez|readyz|api)/.test(path);
  const payload = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const verb = method ?? (payload === undefined ? 'GET' : 'POST');
  const url = outside ? path : `/api/v1${path}`;
  const response = await app.inject({
    method: verb,
    url,
    headers: { ...(payload !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(payload !== undefined && { payload }),
  });
  const answer = {
    status: response.statusCode,
    headers: response.headers as Record<string, string | undefined>,
    body: (response.body === '' ? undefined : JSON.parse(response.body)) as Body,
  };
  const contentType = answer.headers['content-type'];
  expect(unpromised(app, verb, url.split('?', 1)[0] ?? '', { ...answer, contentType })).to.equal(undefined);
  return answer;
}
