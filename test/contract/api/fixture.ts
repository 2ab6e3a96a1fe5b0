import { Type } from 'typebox';

import type { ApiDeps, ApiServer } from '../../../src/api/context.js';
import { buildServer } from '../../../src/api/server.js';
import type { Standing } from '../../../src/core/line.js';
import type { Control } from '../../../src/core/hint.js';
import { Acceptor } from '../../../src/dispatch/accept.js';
import { cancelGroup, cancelTask, cancelTree } from '../../../src/dispatch/cancel.js';
import { Dependents } from '../../../src/dispatch/dependents.js';
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

/** A broker that is up and takes everything. */
export class QuietBroker {
  readonly controls: Control[] = [];
  published = 0;
  state: 'up' | 'connecting' = 'up';

  publish(): Promise<'confirmed'> {
    this.published++;
    return Promise.resolve('confirmed');
  }
  broadcast(message: Control): void {
    this.controls.push(message);
  }
  depth(): Promise<{ messages: number; consumers: number } | undefined> {
    return Promise.resolve({ messages: 3, consumers: 1 });
  }
  status(): ReturnType<ApiDeps['broker']['status']> {
    return { state: this.state, consumers: [], reconnects: 0, recycles: 0, returned: 0, deferred: 0, dead: 0, version: '3.10.8' };
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
  const dependents = new Dependents({ tasks: store.tasks, joins: store.joins, hints, log: silentLog });
  const canceling = { tasks: store.tasks, groups: store.groups, hints, dependents, broker };
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const logger = createLogger({ role: 'api', instance: 'test', level: 'info', format: 'json', stream });
  const deps: ApiDeps = {
    store,
    broker,
    acceptor: new Acceptor({ tasks: store.tasks, hints }),
    cancel: (id, by) => cancelTask(canceling, id, by),
    cancelTree: (id, by) => cancelTree(canceling, id, by),
    cancelGroup: (id, by) => cancelGroup(canceling, id, by),
    types: TYPES,
    runtime: system,
    log: silentLog,
    loggerInstance: fastifyLogger(logger),
    settings: { host: '127.0.0.1', port: 0 },
    plugins: [],
    version: '0.0.0-test',
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
  holders: Standing['holders'];
  waiting: { task: string; position: number }[];
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
  // schedules and task types
  anchor: string;
  nextAt: string;
  input: object | null;
}

export interface Answer {
  status: number;
  headers: Record<string, string | undefined>;
  body: Body;
}

export interface Asking {
  method?: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH' | 'OPTIONS' | 'HEAD';
  body?: unknown;
  /** Sent as it is. */
  text?: string | Buffer;
  headers?: Record<string, string>;
}

/** One request below the base (or a whole path outside it). */
export async function ask(app: ApiServer, path: string, { method, body, text, headers = {} }: Asking = {}): Promise<Answer> {
  const outside = /^\/(livez|readyz|api)/.test(path);
  const payload = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await app.inject({
    method: method ?? (payload === undefined ? 'GET' : 'POST'),
    url: outside ? path : `/api/v1${path}`,
    headers: { ...(payload !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(payload !== undefined && { payload }),
  });
  return {
    status: response.statusCode,
    headers: response.headers as Record<string, string | undefined>,
    body: (response.body === '' ? undefined : JSON.parse(response.body)) as Body,
  };
}
