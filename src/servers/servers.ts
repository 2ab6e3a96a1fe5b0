import { join, resolve } from 'node:path';
import { seconds, type Cache } from './binaries/cache.js';
import { findMongo, type MongoBinary } from './binaries/mongo-binary.js';
import { findRabbit, type RabbitBinary } from './binaries/rabbit-binary.js';
import { suiteRabbit } from './binaries/rabbit-suite.js';
import { claimData, type DataFolder } from './data-folder.js';
import { startMongo, type MongoServer } from './mongo/mongo-server.js';
import { startGuardian } from './processes/guardian.js';
import { createRunFolder, removeRunFolder, sweepRunFolders } from './processes/run-folder.js';
import type { Keeper } from './processes/server-process.js';
import { startRabbit, type RabbitServer } from './rabbit/rabbit-server.js';
import { NODE_NAME } from './rabbit/rabbit-settings.js';
import { joined, SetupError } from './setup-error.js';

export type { MongoServer } from './mongo/mongo-server.js';
export type { RabbitServer } from './rabbit/rabbit-server.js';
export { describeSetupError, SetupError } from './setup-error.js';

export interface ServerOptions {
  /** Usually `.interlock`: `servers/` holds binaries (or INTERLOCK_SERVERS_CACHE does), `run/` what is running. */
  directory: string;
  need: { mongo: boolean; amqp: boolean };
  /** Receives a line per step. */
  report?: (line: string) => void;
  /**
   * Keeps the data here between runs, on the same ports. One owner at a time: a second one gets empty data of its own.
   * Without it data is fresh and goes with the servers.
   */
  dataDirectory?: string;
  /** Allows failpoints in MongoDB. */
  testCommands?: boolean;
}

export interface ProvidedServers {
  mongoUrl?: string;
  amqpUrl?: string;
  mongo?: MongoServer;
  rabbit?: RabbitServer;
  /** Ends the servers and removes their folder; at most 15 s, and nothing the second time. */
  stop(): Promise<void>;
}

/**
 * Starts a private MongoDB and RabbitMQ, fetching them first where the machine has none. They end with this process,
 * however it ends; what earlier processes left behind is ended first.
 * @throws SetupError
 */
export async function provideServers(options: ServerOptions): Promise<ProvidedServers> {
  const report = options.report ?? (() => undefined);
  const runs = join(resolve(options.directory), 'run');
  const started = Date.now();
  await endLeftovers(runs, report);
  const binaries = await findBinaries(options);
  const keeper = openKeeper(runs, options, report);
  let data: DataFolder | undefined;
  try {
    data = await claimData(options.dataDirectory && resolve(options.dataDirectory), keeper.folder, report);
    const servers = await startBoth(binaries, data, keeper, options.testCommands ?? false);
    report(summary(servers, seconds(started)));
    return { ...urls(servers), ...servers, stop: closing(keeper, data, servers) };
  } catch (error) {
    await closing(keeper, data, {})();
    throw error;
  }
}

/** Makes the binaries ready and starts nothing. @throws SetupError */
export async function prepareServers(options: Pick<ServerOptions, 'directory' | 'need' | 'report'>): Promise<void> {
  const { mongo, rabbit } = await findBinaries(options);
  if (mongo) options.report?.(`MongoDB ${mongo.version} (${mongo.kind}) is ready`);
  if (rabbit) options.report?.(`RabbitMQ (${rabbit.kind}) is ready`);
}

interface Binaries {
  mongo?: MongoBinary;
  rabbit?: RabbitBinary;
}

type Servers = Pick<ProvidedServers, 'mongo' | 'rabbit'>;

export async function endLeftovers(runs: string, report: (line: string) => void): Promise<void> {
  const ended = await sweepRunFolders(runs);
  if (ended.length > 0) report(`ended the servers of ${ended.length} command${ended.length > 1 ? 's' : ''} that had been killed`);
}

export async function findBinaries(options: Pick<ServerOptions, 'directory' | 'need' | 'report'>): Promise<Binaries> {
  const folder = resolve(process.env.INTERLOCK_SERVERS_CACHE ?? join(options.directory, 'servers'));
  const cache: Cache = { folder, report: options.report ?? (() => undefined) };
  return both(
    options.need.mongo ? findMongo(cache) : undefined, //
    options.need.amqp ? chosenRabbit(cache) : undefined,
  );
}

/** For tests INTERLOCK_SERVERS_RABBITMQ_SUITE names a suite of Debian whose RabbitMQ is taken instead of the machine's. */
async function chosenRabbit(cache: Cache): Promise<RabbitBinary> {
  const suite = process.env.INTERLOCK_SERVERS_RABBITMQ_SUITE;
  if (!suite) return findRabbit(cache);
  const rabbit = await suiteRabbit(cache, suite);
  cache.report(`RabbitMQ of ${rabbit.origin}`);
  return rabbit;
}

export function openKeeper(runs: string, options: ServerOptions, tell: (line: string) => void): Keeper {
  const folder = createRunFolder(runs);
  // Data that is kept is worth an orderly end when the owner was killed; fresh data goes anyway.
  return { folder, guardian: startGuardian(folder, options.dataDirectory === undefined ? 0 : 5_000), tell };
}

async function startBoth(binaries: Binaries, data: DataFolder, keeper: Keeper, testCommands: boolean): Promise<Servers> {
  const { mongo, rabbit } = binaries;
  const inData = (name: string) => ({ folder: join(data.path, name), logFile: join(keeper.folder.path, `${name}.log`) });
  return both(
    mongo && startMongo(mongo, { ...inData('mongo'), port: data.ports.mongo, members: [data.ports.mongo], testCommands }, keeper),
    rabbit && startRabbit(rabbit, { ...inData('rabbit'), ...data, nodename: NODE_NAME, cluster: [] }, keeper),
  );
}

/** Waits for both even when one fails: nothing goes on behind the back of the error, and two errors are both shown. */
async function both<M, R>(mongo: Promise<M> | undefined, rabbit: Promise<R> | undefined): Promise<{ mongo?: M; rabbit?: R }> {
  const ends = await Promise.allSettled([mongo, rabbit]);
  const errors = ends.filter(end => end.status === 'rejected').map(end => end.reason as unknown);
  if (errors.length === 2 && errors.every(error => error instanceof SetupError)) throw joined(errors);
  return { ...(mongo && { mongo: await mongo }), ...(rabbit && { rabbit: await rabbit }) };
}

function closing(keeper: Keeper, data: DataFolder | undefined, servers: Servers): () => Promise<void> {
  let closed: Promise<void> | undefined;
  const close = async () => {
    const all = [servers.mongo, servers.rabbit].filter(server => server !== undefined);
    await Promise.all(all.map(server => (data?.kept ? server.stop() : server.kill9())));
    keeper.guardian.dismiss();
    removeRunFolder(keeper.folder);
    data?.release();
  };
  return () => (closed ??= close());
}

function urls({ mongo, rabbit }: Servers): Pick<ProvidedServers, 'mongoUrl' | 'amqpUrl'> {
  return { ...(mongo && { mongoUrl: mongo.url }), ...(rabbit && { amqpUrl: rabbit.url }) };
}

function summary({ mongo, rabbit }: Servers, time: string): string {
  const slow = mongo?.kind === 'emulated' ? ', slow but correct' : '';
  const named = [
    mongo && `MongoDB ${mongo.version} (${mongo.kind}${slow}) on port ${mongo.port}`,
    rabbit && `RabbitMQ ${rabbit.version} (${rabbit.kind}) on port ${rabbit.port}`,
  ];
  const own = [mongo && 'INTERLOCK_MONGO_URL', rabbit && 'INTERLOCK_AMQP_URL'];
  return `${named.filter(Boolean).join(', ')}, started in ${time} s; to use your own set ${own.filter(Boolean).join(' and ')}`;
}
