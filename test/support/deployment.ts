import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { MongoClient, type Db, type Document } from 'mongodb';

import type { TaskView } from '../../src/core/task-view.js';
import { RawAmqp } from './amqp.js';
import { notAbandoned } from './not-abandoned.js';
import { Role } from './role.js';
import { testServers, type TestServers } from './servers.js';
import { until } from './wait.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLI = join(ROOT, 'dist/cli/interlock.js');
export const TEST_TASKS = join(ROOT, 'test/support/tasks');

export { Role, type TaskView };

export interface DeploymentOptions {
  /** 0.3 by default: heartbeat 1.5 s, self-fence 6 s, TTL 7.5 s, sweep 1.5 s. Less, and a busy machine alone loses workers. */
  timingScale?: number;
  env?: Record<string, string>;
  taskModules?: string[];
  /** Servers of its own, for a test that breaks them. */
  servers?: TestServers;
  /** Roles write to files of their folder, as under systemd, and not to pipes that this process would have to read. */
  logToFiles?: boolean;
  /** Before the command of each role: what makes the surroundings that it runs in. */
  launcher?: readonly string[];
}

/** All roles but workers. */
export interface Core {
  api: Role;
  manager: Role;
  beat: Role;
}

/** A whole deployment of real processes with a database and a queue prefix of its own. */
export class Deployment {
  readonly url: string;
  readonly directory: string;
  readonly database: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #mongo: MongoClient;
  readonly #servers: TestServers;
  readonly #logToFiles: boolean;
  readonly #launcher: readonly string[];
  readonly #prefixes = new Set<string>();
  readonly #roles: Role[] = [];

  private constructor(at: { directory: string; port: number; mongo: MongoClient }, options: DeploymentOptions) {
    const id = `t${process.pid}_${at.port}`;
    this.directory = at.directory;
    this.database = `interlock_${id}`;
    this.url = `http://127.0.0.1:${at.port}`;
    this.#mongo = at.mongo;
    this.#servers = serversOf(options);
    this.#logToFiles = options.logToFiles ?? false;
    this.#launcher = options.launcher ?? [];
    const prefix = `${id}.`;
    this.#prefixes.add(prefix);
    const { mongoUrl, amqpUrl } = this.#servers;
    this.env = {
      PATH: process.env.PATH,
      HOME: at.directory,
      INTERLOCK_MONGO_URL: withDatabase(mongoUrl, this.database),
      INTERLOCK_AMQP_URL: amqpUrl,
      INTERLOCK_AMQP_PREFIX: prefix,
      INTERLOCK_URL: this.url,
      INTERLOCK_API_PORT: String(at.port),
      INTERLOCK_TIMING_SCALE: String(options.timingScale ?? 0.3),
      INTERLOCK_TASK_MODULES: (options.taskModules ?? [join(TEST_TASKS, 'evidence.ts')]).join(','),
      INTERLOCK_DATA_DIRECTORY: join(at.directory, 'data'),
      INTERLOCK_WORKING_DIRECTORY: join(at.directory, 'work'),
      INTERLOCK_WORKER_SHUTDOWN_GRACE_MS: '0',
      INTERLOCK_WORKER_GRACE_MS: '1000',
      INTERLOCK_WORKER_KILL_MS: '1000',
      INTERLOCK_LOG_FORMAT: 'json',
      INTERLOCK_LOG_LEVEL: 'debug',
      ...options.env,
    };
  }

  static async create(options: DeploymentOptions = {}): Promise<Deployment> {
    const directory = await mkdtemp(join(tmpdir(), 'interlock-test-'));
    const mongo = await MongoClient.connect(serversOf(options).mongoUrl, { serverSelectionTimeoutMS: 10_000 });
    const deployment = new Deployment({ directory, port: await freePort(), mongo }, options);
    const managed = await deployment.cli('manage-db');
    if (managed.code !== 0) throw new Error(`manage-db failed: ${managed.stderr}`);
    return deployment;
  }

  get db(): Db {
    return this.#mongo.db(this.database);
  }

  /** Starts a role; resolves when its process runs, not when it is ready. */
  start(role: string, args: string[] = [], env: Record<string, string> = {}, logFile = this.#logFileOf(role)): Role {
    const output = logFile === undefined ? 'pipe' : openSync(logFile, 'a');
    const options = { env: { ...this.env, ...env }, cwd: this.directory };
    const [program = '', ...rest] = [...this.#launcher, process.execPath, CLI, role, ...args];
    const child = notAbandoned(spawn(program, rest, { ...options, stdio: ['ignore', output, output] }));
    if (typeof output === 'number') closeSync(output);
    const started = new Role(role, child, logFile);
    if (env.INTERLOCK_AMQP_PREFIX !== undefined) this.#prefixes.add(env.INTERLOCK_AMQP_PREFIX);
    this.#roles.push(started);
    return started;
  }

  /** Starts one of each (`workers` workers) and waits until `/status` calls it healthy. */
  async startAll(workers: string[][] = [['-n', 'w1', '-c', '4']]): Promise<Core & { workers: Role[] }> {
    const core = this.#startCore();
    const started = workers.map(args => this.start('worker', args));
    await this.healthy();
    return { ...core, workers: started };
  }

  /** All but workers, for tests that each want other workers: three processes and a database less for each of them. */
  async startCore(): Promise<Core> {
    const core = this.#startCore();
    await until('the API answers', async () => (await fetch(`${this.url}/livez`)).ok, { timeoutMs: 60_000 });
    return core;
  }

  async stopWorkers(): Promise<void> {
    const workers = this.#roles.filter(({ name, running }) => name === 'worker' && running);
    await Promise.all(workers.map(role => role.kill('SIGTERM')));
  }

  /** As a service manager does: every role is asked to end, and does. */
  async stopAll(): Promise<void> {
    await Promise.all(this.#roles.filter(role => role.running).map(role => role.kill('SIGTERM')));
  }

  async healthy(): Promise<void> {
    await until(
      'the deployment is healthy',
      async () => {
        const dead = this.#roles.find(role => !role.running && !role.killed && role.child.exitCode !== 0);
        if (dead) throw new Error(`${dead.name} ended: ${dead.output.slice(-2_000)}`);
        const status = (await (await fetch(`${this.url}/api/v1/status`)).json()) as { healthy: boolean };
        return status.healthy;
      },
      { timeoutMs: 60_000, everyMs: 200 },
    );
  }

  async request<T = Document>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: T; headers: Headers }> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(70_000),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as T, headers: response.headers };
  }

  /** Submits and resolves with the task as accepted. */
  async submit(body: Record<string, unknown>): Promise<TaskView> {
    const answer = await this.request<TaskView>('POST', '/api/v1/tasks', body);
    if (answer.status !== 202) throw new Error(`submit: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async task(id: string): Promise<TaskView> {
    return (await this.request<TaskView>('GET', `/api/v1/tasks/${id}`)).body;
  }

  async final(id: string, timeoutMs = 60_000): Promise<TaskView> {
    return until(
      `task ${id} is final`,
      async () => {
        const task = await this.task(id);
        return ['completed', 'failed', 'canceled', 'skipped'].includes(task.state) ? task : undefined;
      },
      { timeoutMs, everyMs: 100 },
    );
  }

  /** Runs a command of the CLI to its end. */
  async cli(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const options = { env: this.env, cwd: this.directory };
    const child = notAbandoned(spawn(process.execPath, [CLI, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] }));
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr };
  }

  /** Ends what still runs, and leaves no database, queue or folder behind. */
  async destroy(): Promise<void> {
    for (const role of this.#roles) {
      if (!role.running) continue;
      role.child.kill('SIGCONT');
      role.child.kill('SIGTERM');
    }
    await Promise.all(this.#roles.map(role => endWithin(role, 20_000)));
    await this.#removeQueues();
    await this.db.dropDatabase();
    await this.#mongo.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  #startCore(): Core {
    return { api: this.start('api'), manager: this.start('resource-manager'), beat: this.start('beat') };
  }

  #logFileOf(role: string): string | undefined {
    return this.#logToFiles ? join(this.directory, `${this.#roles.length}-${role}.log`) : undefined;
  }

  async #removeQueues(): Promise<void> {
    const workers = await this.db.collection<{ _id: string }>('processes').find({ role: 'worker' }).toArray();
    const queues = await this.db.collection('tasks').distinct('queue');
    const raw = await RawAmqp.connect(this.#servers.amqpUrl);
    for (const prefix of this.#prefixes) {
      await raw.cleanUp(
        prefix,
        [...new Set(['default', ...queues.map(String)])].map(queue => `work.${queue}`),
      );
      for (const worker of workers) await raw.deleteQueue(`${prefix}worker.${worker._id}`);
    }
    await raw.close();
  }
}

async function endWithin(role: Role, ms: number): Promise<void> {
  const timer = setTimeout(() => role.child.kill('SIGKILL'), ms);
  await role.exited;
  clearTimeout(timer);
}

function serversOf(options: DeploymentOptions): TestServers {
  return options.servers ?? testServers();
}

/** Not `new URL`: it refuses the list of hosts of a replica set. */
function withDatabase(url: string, database: string): string {
  return url.replace(/^(mongodb:\/\/[^/?]+)(\/[^?]*)?/, `$1/${database}`);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
