import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';

import { MongoClient } from 'mongodb';

import type { ApiDeps, ApiServer } from '../../src/api/context.js';
import { OwnMetrics } from '../../src/api/metrics/own.js';
import { buildServer } from '../../src/api/server.js';
import type { InterlockError } from '../../src/core/errors.js';
import type { Json, JsonObject } from '../../src/core/json.js';
import type { Task } from '../../src/core/task.js';
import { fileRoutes } from '../../src/plugins/file/routes.js';
import { fileServices, type Service } from '../../src/plugins/file/services.js';
import { repositoryUrl } from '../../src/plugins/file/repository.js';
import { publish, sync } from '../../src/plugins/file/tasks.js';
import { fastifyLogger } from '../../src/process/fastify-logger.js';
import { silentLog } from '../../src/process/log.js';
import { createLogger, type ProcessLogger } from '../../src/process/logger.js';
import { system } from '../../src/process/system.js';
import { openMongoStore, type MongoStore } from '../../src/store/mongo/store.js';
import { Progress, closedBars } from '../../src/tasks/progress.js';
import { runTask } from '../../src/tasks/run-task.js';
import type { Ended, Mirror, Reply } from './mirror.js';
import { testServers } from './servers.js';
import { SimulatedDatabase } from '../../src/testing/store/database.js';
import { simulatedStore } from '../../src/testing/store/store.js';

interface Running {
  abort: AbortController;
  ended: Promise<Ended>;
}

/** The file plugin with the real API and the real database, its tasks run in this process. One at a time holds a repository. */
export class LocalMirror implements Mirror {
  readonly dataDirectory: string;
  readonly store: MongoStore;
  readonly services: Record<string, Service>;
  readonly #database: string;
  readonly #app: ApiServer;
  readonly #logger: ProcessLogger;
  readonly #written = new PassThrough();
  readonly #running = new Map<string, Running>();
  /** Sequence of tasks: their fence. */
  #tasks = 0;
  #log = '';

  private constructor(at: { dataDirectory: string; database: string; store: MongoStore }, allowPrivateOrigins: boolean) {
    this.dataDirectory = at.dataDirectory;
    this.#database = at.database;
    this.store = at.store;
    this.#written.on('data', (chunk: Buffer) => (this.#log += chunk.toString()));
    this.#logger = createLogger({ role: 'api', instance: 'test', level: 'trace', format: 'json', stream: this.#written });
    const shared = { documents: at.store.documents, dataDirectory: at.dataDirectory, settings: { allowPrivateOrigins } };
    this.services = fileServices(shared);
    this.#app = serverFor(this.#logger, fileRoutes({ ...shared, submit: body => Promise.resolve(this.#submit(body)) }));
  }

  static async start(options: { allowPrivateOrigins?: boolean } = {}): Promise<LocalMirror> {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'interlock-file-'));
    const database = `interlock_file_${process.pid}_${Date.now()}`;
    const store = await openMongoStore({ url: testServers().mongoUrl, database, appName: 'test', log: silentLog });
    return new LocalMirror({ dataDirectory, database, store }, options.allowPrivateOrigins ?? true);
  }

  /** Everything that was logged so far. */
  get log(): string {
    return this.#log;
  }

  /** What the API describes. */
  async openapi(): Promise<Record<string, unknown>> {
    return (await this.request('GET', '/api/v1/openapi.json')).body;
  }

  /** For readers that need a real connection. */
  listen(): Promise<string> {
    return this.#app.listen({ host: '127.0.0.1', port: 0 });
  }

  async request<T = Record<string, unknown>>(
    method: string,
    url: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply<T>> {
    const payload = body === undefined ? {} : { payload: body as object };
    const answer = await this.#app.inject({ method: method as 'GET', url, headers, ...payload });
    const json = (answer.headers['content-type'] ?? '').toString().includes('json') && answer.payload !== '';
    return {
      status: answer.statusCode,
      text: answer.payload,
      body: (json ? JSON.parse(answer.payload) : {}) as T,
      headers: new Headers(Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)])),
    };
  }

  cancel(taskId: string): Promise<void> {
    this.#running.get(taskId)?.abort.abort(new Error('The task was canceled.'));
    return Promise.resolve();
  }

  async final(taskId: string): Promise<Ended> {
    const running = this.#running.get(taskId);
    if (!running) throw new Error(`no task ${taskId}`);
    return running.ended;
  }

  /** As a worker sees a task that reserves this repository. */
  caller(repository: string): Task {
    const id = `00000000-0000-7000-8000-${String((this.#tasks += 1)).padStart(12, '0')}`;
    const grant = { fence: this.#tasks, epoch: 1, at: new Date() };
    return { id, exclusive: [repositoryUrl(repository)], grant, attempt: 1 } as Task;
  }

  async stop(): Promise<void> {
    for (const { abort, ended } of this.#running.values()) {
      abort.abort();
      await ended;
    }
    await this.#app.close();
    await this.store.close();
    this.#written.destroy();
    const mongo = await MongoClient.connect(testServers().mongoUrl);
    await mongo.db(this.#database).dropDatabase();
    await mongo.close();
    await rm(this.dataDirectory, { recursive: true, force: true });
  }

  #submit(body: JsonObject): JsonObject {
    const { name, kwargs } = body as { name: string; kwargs: { repository: string; version?: number } };
    const task = this.caller(kwargs.repository);
    const abort = new AbortController();
    const ended = this.#run(name, kwargs, task, abort.signal);
    this.#running.set(task.id, { abort, ended });
    return { id: task.id, href: `/api/v1/tasks/${task.id}`, ...body };
  }

  async #run(name: string, input: { repository: string; version?: number }, task: Task, signal: AbortSignal): Promise<Ended> {
    const progress = new Progress(() => undefined);
    // What passes between child and worker is JSON.
    const service = async (call: string, given: JsonObject): Promise<Json> => {
      const called = this.services[call];
      if (!called) throw new Error(`no service ${call}`);
      return JSON.parse(JSON.stringify(await called(given, task))) as Json;
    };
    const options = { signal, progress, service, log: this.#logger };
    const ended = (state: 'completed' | 'failed' | 'canceled', rest: Partial<Ended>): Ended => ({
      state,
      result: null,
      error: null,
      progress: closedBars(progress.bars, state),
      createdResources: progress.created,
      ...rest,
    });
    try {
      const result = name === 'file.sync' ? await runTask(sync, input, options) : await runTask(publish, input, options);
      return ended('completed', { result });
    } catch (error) {
      if (signal.aborted) return ended('canceled', {});
      const { code, message } = error as InterlockError;
      return ended('failed', { error: { code, message } });
    }
  }
}

const LIMITS = { requestsPerSecond: 0, burst: 1, inFlight: 500, bodyMiB: 64, openTasks: 0 };

/** The API as it is, without what only other routes need. */
function serverFor(logger: ProcessLogger, plugin: ApiDeps['plugins'][number]): ApiServer {
  const deps: Pick<ApiDeps, 'runtime' | 'log' | 'loggerInstance' | 'settings' | 'plugins' | 'version' | 'metrics'> = {
    runtime: system,
    log: logger,
    loggerInstance: fastifyLogger(logger),
    settings: {
      host: '127.0.0.1',
      port: 0,
      requireTokens: 'auto',
      auditSeconds: 0,
      allowedHosts: [],
      behindTlsProxy: false,
      maxConnections: 100,
      limits: LIMITS,
    },
    plugins: [plugin],
    version: '0.0.0',
    metrics: new OwnMetrics({ interlock: '0.0.0', node: process.versions.node }),
  };
  return buildServer({
    ...deps,
    store: simulatedStore(new SimulatedDatabase(() => new Date())),
    types: {},
  } as unknown as ApiDeps);
}
