import type { IncomingMessage, ServerResponse } from 'node:http';

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyPluginAsync, RawServerDefault } from 'fastify';

import type { Broker } from '../broker/broker.js';
import type { NewTask, Task } from '../core/task.js';
import type { Accepted } from '../dispatch/accept.js';
import type { TypeCatalogue } from '../dispatch/type-catalogue.js';
import type { Log } from '../process/log.js';
import type { Runtime } from '../process/runtime.js';
import type { Store } from '../store/store.js';
import type { FinalWaiter } from './final-waiter.js';
import type { ServerTime } from '../process/server-time.js';

/** Everything that the API is given. */
export interface ApiDeps {
  store: Store;
  broker: Pick<Broker, 'depth' | 'status'>;
  acceptor: {
    accept(task: NewTask): Promise<Accepted>;
    acceptAll(tasks: NewTask[]): Promise<{ tasks: Task[]; replayed: boolean }>;
  };
  /** Throws MissingResource, TASK_FINAL. */
  cancel(this: void, id: string, by: string): Promise<Task>;
  /** With all that descends from it, whether it has ended or not. Throws MissingResource. */
  cancelTree(this: void, id: string, by: string): Promise<Task>;
  /** How many members were not final. */
  cancelGroup(this: void, id: string, by: string): Promise<number>;
  types: TypeCatalogue;
  runtime: Runtime;
  log: Log;
  loggerInstance: FastifyBaseLogger;
  settings: { host: string; port: number };
  /** Routes of task plugins, with whole paths: below `/api/v1` or beside it. */
  plugins: readonly FastifyPluginAsync[];
  version: string;
}

/** What the routes share. */
export interface ApiContext extends ApiDeps {
  serverTime: ServerTime;
  waiter: FinalWaiter;
  /** True from the moment that the server begins to close. */
  draining(this: void): boolean;
}

export type ApiServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Who asks, until there are tokens. */
export const PRINCIPAL = 'anonymous';
