import type { IncomingMessage, ServerResponse } from 'node:http';

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyPluginAsync, RawServerDefault } from 'fastify';

import type { Broker } from '../broker/broker.js';
import type { NewTask, Task } from '../core/task.js';
import type { Accepted } from '../dispatch/accept.js';
import type { Acceptance } from '../dispatch/acceptance.js';
import type { TypeCatalogue } from '../dispatch/type-catalogue.js';
import type { Log } from '../process/log.js';
import type { Runtime } from '../process/runtime.js';
import type { LiveTls } from '../process/tls/live-tls.js';
import type { Store } from '../store/store.js';
import type { KnownTokens } from './access/known-tokens.js';
import type { EventHub } from './events/hub.js';
import type { EventLimits } from './events/limits.js';
import type { OwnMetrics } from './metrics/own.js';
import type { FinalWaiter } from './final-waiter.js';
import type { ServerTime } from '../process/server-time.js';

/** What an API takes at a time; `src/config/limit-options.ts` says what each means. */
export interface ApiLimits {
  requestsPerSecond: number;
  burst: number;
  inFlight: number;
  bodyMiB: number;
  openTasks: number;
}

export interface ApiSettings {
  host: string;
  port: number;
  /** `auto`: as soon as there is one, and wherever strangers reach the API. */
  requireTokens: 'auto' | 'always';
  limits: ApiLimits;
  /** How long entries of the audit trail are kept; 0: for ever. */
  auditSeconds: number;
  /** Names by which it is called besides its own and IP addresses. */
  allowedHosts: readonly string[];
  /** Something in front ends TLS. */
  behindTlsProxy: boolean;
  maxConnections: number;
}

export interface Patience {
  /** A request must have arrived whole within this. */
  requestMs: number;
  /** A silent connection is closed after this. */
  silenceMs: number;
  /** Requests are looked at this often for that. */
  checkMs: number;
}

/** Everything that the API is given. */
export interface ApiDeps {
  store: Store;
  broker: Pick<Broker, 'broadcast' | 'depth' | 'status' | 'listen'>;
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
  /** Whether new tasks are taken; `acceptor` asks it by itself. */
  acceptance: Acceptance;
  types: TypeCatalogue;
  runtime: Runtime;
  log: Log;
  loggerInstance: FastifyBaseLogger;
  settings: ApiSettings;
  /** Routes of task plugins, with whole paths: below `/api/v1` or beside it. */
  plugins: readonly FastifyPluginAsync[];
  version: string;
  eventLimits: EventLimits;
  metrics: OwnMetrics;
  /** How long a client may take; tests have less of it. */
  patience?: Patience;
  /** A request that deletes is answered within this, done or not; tests wait less long. */
  purgeMs?: number;
  /** Undefined: plain HTTP. */
  tls?: LiveTls | undefined;
}

/** What the routes share. */
export interface ApiContext extends ApiDeps {
  serverTime: ServerTime;
  knownTokens: KnownTokens;
  waiter: FinalWaiter;
  events: EventHub;
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
