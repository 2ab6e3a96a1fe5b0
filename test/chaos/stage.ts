import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { MongoClient } from 'mongodb';

import { silentLog } from '../../src/process/log.js';
import { startGuardian, type Guardian } from '../../src/servers/processes/guardian.js';
import { freePorts } from '../../src/servers/processes/ports.js';
import { createRunFolder, removeRunFolder, type RunFolder } from '../../src/servers/processes/run-folder.js';
import { provideServers, type MongoServer, type ProvidedServers, type RabbitServer } from '../../src/servers/servers.js';
import { openMongoStore } from '../../src/store/mongo/store.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { ASYNC_SLOTS, CAST, QUEUES, SLOTS, TIMING_SCALE, names, type Player } from './cast.js';
import type { Journal } from './journal.js';
import { Kept } from './kept.js';
import { Leaks } from './leaks.js';
import { Sink } from './sink.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** As whom the processes connect to MongoDB. */
const USER = 'chaos';

/** Servers, processes, and a proxy on every way between them. Nothing here is shared with anybody. */
export class Stage {
  readonly folder: string;
  readonly evidence: string;
  readonly sink: Sink;
  readonly journal: Journal;
  readonly leaks = new Leaks();
  readonly players = new Map<string, Kept>();
  /** By link: `worker-1>mongo`, `client>api-1`. */
  readonly links = new Map<string, TcpProxy>();
  readonly #pipe: string;
  readonly #guard: RunFolder;
  readonly #guardian: Guardian;
  #servers: ProvidedServers | undefined;
  #direct: MongoClient | undefined;

  constructor(folder: string, journal: Journal) {
    this.folder = folder;
    this.journal = journal;
    this.evidence = join(folder, 'evidence.jsonl');
    this.#pipe = join(folder, 'sink');
    this.sink = new Sink(this.#pipe);
    this.#guard = createRunFolder(join(ROOT, '.interlock', 'run'));
    this.#guardian = startGuardian(this.#guard, 0); // ends every process, should this one be killed
  }

  get mongo(): MongoServer {
    return given(this.#servers?.mongo);
  }

  get rabbit(): RabbitServer {
    return given(this.#servers?.rabbit);
  }

  /** Past all proxies. */
  get direct(): MongoClient {
    return given(this.#direct);
  }

  /** The addresses of both APIs, by way of their proxies. */
  get apis(): string[] {
    return names('api').map(name => `http://127.0.0.1:${this.link(`client>${name}`).port}`);
  }

  link(name: string): TcpProxy {
    return given(this.links.get(name));
  }

  player(name: string): Kept {
    return given(this.players.get(name));
  }

  async open(): Promise<void> {
    this.#servers = await provideServers({
      directory: join(ROOT, '.interlock'),
      need: { mongo: true, amqp: true },
      report: line => this.journal.say(line),
      testCommands: true,
    });
    this.#direct = new MongoClient(this.mongo.url, {
      appName: 'chaos',
      serverSelectionTimeoutMS: 2_000,
      socketTimeoutMS: 10_000,
      readConcern: { level: 'majority' },
    });
    await this.#prepareDatabase();
    await this.#plantPasswords();
    const ports = await freePorts(names('api').length);
    for (const [index, name] of names('api').entries()) await this.#connect(`client>${name}`, `http://127.0.0.1:${ports[index]}`);
    for (const player of CAST) {
      await this.#connect(`${player.name}>mongo`, this.mongo.url, true);
      await this.#connect(`${player.name}>rabbit`, this.rabbit.url);
      const keeping = { folder: this.folder, guardian: this.#guardian, journal: this.journal };
      const port = ports[names('api').indexOf(player.name)];
      this.players.set(player.name, new Kept(player, this.#environmentOf(player, port), keeping));
    }
    for (const player of this.players.values()) player.start();
  }

  /** Ends every process, as a service manager would at shutdown. */
  async retire(): Promise<void> {
    await Promise.all([...this.players.values()].map(player => player.retire()));
  }

  /** Every process, every server, every socket; whatever was opened. The servers' logs go into the folder of the run. */
  async close(): Promise<void> {
    await this.retire();
    await this.#direct?.close();
    this.#keepLogs();
    await this.#servers?.stop();
    this.sink.close();
    for (const link of this.links.values()) await link.close();
    this.#guardian.dismiss();
    removeRunFolder(this.#guard);
  }

  /** What the servers wrote lies in folders of this process, beside that of its guard; a former one may be on its way out. */
  #keepLogs(): void {
    const base = dirname(this.#guard.path);
    const mine = readdirSync(base).filter(name => name.startsWith(basename(this.#guard.path)));
    for (const name of mine) {
      for (const log of ['mongo.log', 'rabbit.log']) copyIfThere(join(base, name, log), join(this.folder, log));
    }
  }

  async #prepareDatabase(): Promise<void> {
    const store = await openMongoStore({ url: this.mongo.url, appName: 'chaos', log: silentLog });
    await store.manage();
    await store.close();
  }

  /** Neither server asks for more than its own address has; processes come with passwords that can be told from anything else. */
  async #plantPasswords(): Promise<void> {
    this.leaks.canaries.plant('amqpPassword', decodeURIComponent(new URL(this.rabbit.url).password));
    await this.direct.db('admin').command({ createUser: USER, pwd: this.leaks.mongoPassword, roles: ['root'] });
  }

  #mongoFor(name: string): string {
    const url = new URL(this.link(`${name}>mongo`).url(this.mongo.url));
    url.username = USER;
    url.password = this.leaks.mongoPassword;
    url.searchParams.set('authSource', 'admin');
    return url.href;
  }

  async #connect(name: string, url: string, disguised = false): Promise<void> {
    this.links.set(name, await TcpProxy.before(url, 0, { disguised }));
  }

  #environmentOf({ name, async = false }: Player, apiPort: number | undefined): NodeJS.ProcessEnv {
    const own = join(this.folder, name);
    mkdirSync(own);
    return {
      PATH: process.env.PATH,
      HOME: own,
      INTERLOCK_MONGO_URL: this.#mongoFor(name),
      INTERLOCK_AMQP_URL: this.link(`${name}>rabbit`).url(this.rabbit.url),
      ...(apiPort !== undefined && { INTERLOCK_API_PORT: String(apiPort) }),
      INTERLOCK_TIMING_SCALE: String(TIMING_SCALE),
      INTERLOCK_TASK_MODULES: join(ROOT, 'test/support/tasks/chaos.ts'),
      INTERLOCK_DATA_DIRECTORY: join(own, 'data'),
      INTERLOCK_WORKING_DIRECTORY: join(own, 'work'),
      INTERLOCK_WORKER_POOL: async ? 'async' : 'prefork',
      INTERLOCK_WORKER_CONCURRENCY: String(async ? ASYNC_SLOTS : SLOTS),
      INTERLOCK_WORKER_QUEUES: QUEUES.join(','),
      INTERLOCK_WORKER_SHUTDOWN_GRACE_MS: '1000',
      INTERLOCK_WORKER_GRACE_MS: '1000',
      INTERLOCK_WORKER_KILL_MS: '1000',
      INTERLOCK_WORKER_RETIRE_MS: '1000',
      INTERLOCK_CHILD_ENVIRONMENT: 'CHAOS_EVIDENCE,CHAOS_SINK',
      INTERLOCK_LOG_FORMAT: 'json',
      INTERLOCK_LOG_LEVEL: 'info',
      CHAOS_EVIDENCE: this.evidence,
      CHAOS_SINK: this.#pipe,
      CHAOS_MEMORY_FILE: join(this.folder, `${name}.memory.jsonl`),
    };
  }
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('This is not open, or not part of the cast.');
  return value;
}

function copyIfThere(from: string, to: string): void {
  try {
    copyFileSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
