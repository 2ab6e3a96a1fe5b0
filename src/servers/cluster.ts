import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { seconds } from './binaries/cache.js';
import type { MongoBinary } from './binaries/mongo-binary.js';
import type { RabbitBinary } from './binaries/rabbit-binary.js';
import { startMongo, type MongoServer } from './mongo/mongo-server.js';
import { freePorts } from './processes/ports.js';
import { removeRunFolder } from './processes/run-folder.js';
import type { Keeper } from './processes/server-process.js';
import { ownEpmd, sharedEpmd, type Epmd } from './rabbit/epmd.js';
import { startRabbit, type RabbitServer } from './rabbit/rabbit-server.js';
import type { RabbitPlace } from './rabbit/rabbit-settings.js';
import { endLeftovers, findBinaries, openKeeper, type ServerOptions } from './servers.js';

export interface ProvidedCluster {
  /** Members of one replica set; empty where none was needed. Every URL names all of them. */
  mongo: MongoServer[];
  /** Nodes of one cluster; empty where none was needed. */
  rabbit: RabbitServer[];
  /** Both name every host. */
  mongoUrl: string | undefined;
  amqpUrl: string | undefined;
  /** Ends all and removes their folder; nothing the second time. */
  stop(): Promise<void>;
}

/**
 * Starts a replica set of `members` and a RabbitMQ cluster of as many nodes on this machine, to be broken by tests. Data is fresh
 * and goes with the servers, which end with this process, however it ends.
 * @throws SetupError
 */
export async function provideCluster(options: Omit<ServerOptions, 'dataDirectory'>, members: number): Promise<ProvidedCluster> {
  const report = options.report ?? (() => undefined);
  const runs = join(resolve(options.directory), 'run');
  const started = Date.now();
  await endLeftovers(runs, report);
  const binaries = await findBinaries(options);
  const keeper = openKeeper(runs, options, report);
  const cluster = new Cluster(keeper);
  try {
    if (binaries.mongo) await cluster.startMongo(binaries.mongo, members, options.testCommands ?? false);
    if (binaries.rabbit) await cluster.startRabbit(binaries.rabbit, members);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  report(`${cluster.mongo.length} MongoDB members and ${cluster.rabbit.length} RabbitMQ nodes, started in ${seconds(started)} s`);
  return cluster;
}

class Cluster implements ProvidedCluster {
  mongo: MongoServer[] = [];
  rabbit: RabbitServer[] = [];
  readonly #keeper: Keeper;
  #epmd: Epmd | undefined;
  #stopped: Promise<void> | undefined;

  constructor(keeper: Keeper) {
    this.#keeper = keeper;
  }

  get mongoUrl(): string | undefined {
    return this.mongo[0]?.url;
  }

  /** The nodes share user and password, so one node's address and the hosts of all. */
  get amqpUrl(): string | undefined {
    const hosts = this.rabbit.map(({ port }) => `127.0.0.1:${port}`);
    return this.rabbit[0]?.url.replace(hosts[0] ?? '', hosts.join());
  }

  /** All at once: the set is initiated when a majority is there. */
  async startMongo(binary: MongoBinary, count: number, testCommands: boolean): Promise<void> {
    const ports = await freePorts(count);
    const starting = ports.map((port, index) =>
      startMongo(binary, { ...this.#place(`mongo-${index + 1}`), port, members: ports, testCommands }, this.#keeper),
    );
    const ends = await Promise.allSettled(starting);
    this.mongo = ends.flatMap(end => (end.status === 'fulfilled' ? [end.value] : []));
    await Promise.all(starting);
  }

  /** One after the other: the first forms the cluster, the others join it. */
  async startRabbit(binary: RabbitBinary, count: number): Promise<void> {
    const [epmdPort = 0, ...ports] = await freePorts(1 + 2 * count);
    const cluster = Array.from({ length: count }, (_, index) => `interlock-${index + 1}@127.0.0.1`);
    const password = randomBytes(16).toString('hex');
    const places = cluster.map((nodename, index): RabbitPlace => ({
      ...this.#place(`rabbit-${index + 1}`),
      nodename,
      cluster,
      ports: { amqp: ports[2 * index] ?? 0, distribution: ports[2 * index + 1] ?? 0, epmd: epmdPort },
      user: 'interlock',
      password,
    }));
    const [first] = places;
    if (!first) return;
    this.#epmd = ownEpmd(binary, first, this.#keeper);
    for (const place of places) this.rabbit.push(await startRabbit(binary, place, this.#keeper, sharedEpmd(this.#epmd)));
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#end());
  }

  async #end(): Promise<void> {
    await Promise.all([...this.mongo, ...this.rabbit].map(server => server.kill9()));
    await this.#epmd?.end();
    this.#keeper.guardian.dismiss();
    removeRunFolder(this.#keeper.folder);
  }

  #place(name: string): { folder: string; logFile: string } {
    const { path } = this.#keeper.folder;
    const folder = join(path, 'data', name);
    mkdirSync(folder, { recursive: true });
    return { folder, logFile: join(path, `${name}.log`) };
  }
}
