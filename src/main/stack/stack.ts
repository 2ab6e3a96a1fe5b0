import { join, resolve } from 'node:path';

import type { Loaded } from '../../config/load.js';
import { provideServers, type ProvidedServers } from '../../servers/servers.js';
import { manageDatabase } from '../manage-db.js';
import type { Readiness } from '../serve.js';
import { ownFolder, type OwnFolder } from './folders.js';
import { RoleEnded, startRole, type RoleProcess } from './role-process.js';

export interface StackOptions {
  loaded: Loaded;
  /** Where servers live and tasks run, usually `.interlock`. */
  directory: string;
  /** Keeps the servers' data here; without it, data and content are new and go with the stack. */
  keepData?: string;
  port?: number | undefined;
  concurrency?: number | undefined;
  /** A line per step. */
  report: (line: string) => void;
  /** What a role writes. */
  onLine: (role: string, line: string) => void;
}

export const ROLES = ['api', 'resource-manager', 'worker', 'beat'] as const;
/** Requests stop first, then what they started, then those that served both. */
const STOP_ORDER = ['api', 'worker', 'beat', 'resource-manager'] as const;
/** A role ends itself within its own bound; this is longer. */
const PATIENCE_MS = 60_000;
const FORCED_MS = 5_000;

export type RoleName = (typeof ROLES)[number];

/**
 * All four roles as processes of their own, on servers that are brought along unless they are named.
 * However the process that holds it ends, nothing of it stays: roles leave when their parent is gone, servers have a guardian.
 */
export class Stack {
  readonly #options: StackOptions;
  readonly #roles = new Map<RoleName, RoleProcess>();
  readonly #ready = new Map<RoleName, Readiness>();
  #folder: OwnFolder | undefined;
  #servers: ProvidedServers | undefined;
  #env: NodeJS.ProcessEnv = {};
  #providing: Promise<unknown> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: StackOptions) {
    this.#options = options;
  }

  /**
   * Servers, database, roles. Throws SetupError, RoleEnded (also when it is stopped meanwhile), and what managing the database throws;
   * `stop` then still has to be called.
   */
  async start(): Promise<void> {
    const { loaded, directory, report } = this.#options;
    this.#folder = ownFolder(join(resolve(directory), 'work'));
    const providing = this.#provide();
    this.#providing = providing;
    this.#servers = await providing;
    this.#env = this.#environment(this.#folder.path);
    const { config } = loaded;
    const mongoUrl = this.#servers.mongoUrl ?? config.mongo.url ?? '';
    await manageDatabase({ config, mongoUrl, amqpUrl: this.#servers.amqpUrl ?? config.amqp.url ?? '' });
    report('starting the roles');
    // Beats last: they complain when they see no worker.
    await Promise.all(ROLES.filter(role => role !== 'beat').map(role => this.startRole(role)));
    await this.startRole('beat');
  }

  /** Starts a role, or starts it again. Rejects when it ends before it serves. */
  async startRole(role: RoleName): Promise<RoleProcess> {
    if (this.#stopping) throw new RoleEnded(role, 'stopped meanwhile');
    const flags = this.#flagsOf(role);
    const started = startRole({ role, flags, env: this.#env, onLine: this.#options.onLine });
    this.#roles.set(role, started);
    this.#ready.set(role, await started.ready);
    return started;
  }

  role(role: RoleName): RoleProcess | undefined {
    return this.#roles.get(role);
  }

  /** One for each role, in the order of `ROLES`. */
  get ready(): Readiness[] {
    return ROLES.map(role => this.#ready.get(role)).filter(ready => ready !== undefined);
  }

  /** Where the API is. */
  get url(): string {
    return this.#ready.get('api')?.url ?? '';
  }

  get servers(): ProvidedServers | undefined {
    return this.#servers;
  }

  /** Roles in their order, then the servers. May be called at any time, and again. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** At once: roles kill what they run. */
  async force(): Promise<void> {
    await Promise.all([...this.#roles.values()].map(role => role.stop(FORCED_MS)));
    await this.stop();
  }

  async #stop(): Promise<void> {
    await this.#providing?.catch(() => undefined); // servers that are just starting are ended as soon as they stand
    for (const name of STOP_ORDER) await this.#roles.get(name)?.stop(PATIENCE_MS);
    await this.#servers?.stop();
    this.#folder?.remove();
  }

  async #provide(): Promise<ProvidedServers> {
    const { loaded, directory, keepData, report } = this.#options;
    const { mongo, amqp } = loaded.config;
    const need = { mongo: mongo.url === null, amqp: amqp.url === null };
    if (!need.mongo && !need.amqp) return { stop: () => Promise.resolve() };
    return provideServers({ directory, need, report, ...(keepData !== undefined && { dataDirectory: keepData }) });
  }

  /** What the roles read beside the settings files that we have read, too. */
  #environment(folder: string): NodeJS.ProcessEnv {
    const { loaded, keepData } = this.#options;
    const isDefault = (key: string): boolean => loaded.origins.get(key) === 'default';
    return {
      ...process.env,
      ...(this.#servers?.mongoUrl !== undefined && { INTERLOCK_MONGO_URL: this.#servers.mongoUrl }),
      ...(this.#servers?.amqpUrl !== undefined && { INTERLOCK_AMQP_URL: this.#servers.amqpUrl }),
      ...(isDefault('workingDirectory') && { INTERLOCK_WORKING_DIRECTORY: join(folder, 'work') }),
      ...(isDefault('dataDirectory') && keepData === undefined && { INTERLOCK_DATA_DIRECTORY: join(folder, 'data') }),
      ...(isDefault('log.format') && { INTERLOCK_LOG_FORMAT: 'json' }),
    };
  }

  #flagsOf(role: RoleName): string[] {
    const { loaded, port, concurrency } = this.#options;
    if (role === 'worker' && concurrency !== undefined) return ['-c', String(concurrency)];
    if (role !== 'api') return [];
    if (port !== undefined) return ['--port', String(port)];
    // The default may be taken by another stack, which is no reason to fail; a port that somebody has chosen is.
    return loaded.origins.get('api.port') === 'default' ? ['--or-any-port'] : [];
  }
}
