import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MongoBinary } from '../binaries/mongo-binary.js';
import { launch, logTail, type Keeper, type ServerProcess } from '../processes/server-process.js';
import { SetupError } from '../setup-error.js';
import { mongoCommand } from './mongo-wire.js';

const REPLICA_SET = 'interlock';
const READY_MS = 120_000; // an emulated mongod on a busy machine of two cores has taken 20 s
const COMMAND_MS = 10_000;
const TERM_MS = 10_000;

export interface MongoPlace {
  port: number;
  /** Ports of all members of its replica set, itself included; the first one initiates the set. */
  members: readonly number[];
  /** Where the data lies; what is there is kept. */
  folder: string;
  logFile: string;
  /** Allows failpoints, for tests that break things on purpose. */
  testCommands: boolean;
}

/** A member of a replica set, mostly its only one, that listens on 127.0.0.1 only. */
export interface MongoServer {
  readonly kind: MongoBinary['kind'];
  readonly version: string;
  readonly port: number;
  /** Names all members. */
  readonly url: string;
  /** Of the present process; another one after `start`. */
  readonly pid: number;
  /** How it ended, such as `SIGKILL`; undefined while it runs. */
  ended(): string | undefined;
  /** Starts it again on the same port and data; ready when it accepts writes, or follows a primary. @throws SetupError `server-failed` */
  start(): Promise<void>;
  /** TERM, and KILL after 10 s. */
  stop(): Promise<void>;
  /** kill -9, as if the power had failed; gone when this settles. */
  kill9(): Promise<void>;
  /** Stops and starts. */
  restart(): Promise<void>;
  /** Such as SIGSTOP and SIGCONT. */
  signal(signal: NodeJS.Signals): void;
  /** Whether it says that it is the primary; false when it does not answer. */
  isPrimary(): Promise<boolean>;
}

/** @throws SetupError `server-failed` with the end of the log */
export async function startMongo(binary: MongoBinary, place: MongoPlace, keeper: Keeper): Promise<MongoServer> {
  let server: ServerProcess | undefined;
  const start = async () => {
    if (server?.ended() === undefined && server) throw new Error('mongod is running already');
    server = launchMongod(binary, place, keeper);
    await serving(server, place);
    server.tellUnexpectedEnd(keeper.tell);
  };
  await start();
  const present = () => server as unknown as ServerProcess;
  return {
    kind: binary.kind,
    version: binary.version,
    port: place.port,
    url: `mongodb://${hosts(place).join()}/interlock?replicaSet=${REPLICA_SET}`,
    get pid() {
      return present().identity.pid;
    },
    ended: () => present().ended(),
    start,
    stop: () => present().end(TERM_MS),
    kill9: () => present().end(0),
    restart: async () => {
      await present().end(TERM_MS);
      await start();
    },
    signal: signal => present().signal(signal),
    isPrimary: () =>
      mongoCommand(place.port, { hello: 1 }, COMMAND_MS).then(
        hello => hello.isWritablePrimary === true,
        () => false,
      ),
  };
}

function hosts(place: MongoPlace): string[] {
  return place.members.map(port => `127.0.0.1:${port}`);
}

function launchMongod(binary: MongoBinary, place: MongoPlace, keeper: Keeper): ServerProcess {
  mkdirSync(place.folder, { recursive: true });
  const parameters = [
    'transactionLifetimeLimitSeconds=10', // a client that stops inside a transaction holds its documents no longer
    'diagnosticDataCollectionEnabled=false', // a sample a second would cost an emulated server 5 % of a core
    'shutdownTimeoutMillisForSignaledShutdown=100', // nobody to hand over to; the default lets TERM wait for 15 s
    ...(place.testCommands ? ['enableTestCommands=1'] : []),
  ];
  const options = {
    '--replSet': REPLICA_SET,
    '--bind_ip': '127.0.0.1',
    '--port': place.port,
    '--dbpath': place.folder,
    '--wiredTigerCacheSizeGB': 0.5,
    '--oplogSize': 512, // MB
    '--slowms': 1_000, // emulated, the default of 100 ms would log half of what happens on a busy machine
  };
  const args = Object.entries(options).flatMap(([name, value]) => [name, String(value)]);
  args.push('--nounixsocket', '--quiet', ...parameters.flatMap(parameter => ['--setParameter', parameter]));
  return launch(
    {
      name: 'mongod',
      command: [...binary.command, ...args],
      env: { ...process.env, ...binary.env },
      cwd: join(place.folder, '..'),
      logFile: place.logFile,
    },
    keeper,
  );
}

/** Waits until the server is the primary, or follows one, making it a replica set where it is none. */
async function serving(server: ServerProcess, place: MongoPlace): Promise<void> {
  const deadline = Date.now() + READY_MS;
  let last = 'it does not listen';
  for (let pause = 20; Date.now() < deadline; pause = Math.min(pause * 1.5, 250)) {
    const end = server.ended();
    if (end !== undefined) throw failed(`mongod ended (${end}) instead of starting`, place);
    try {
      const hello = await mongoCommand(place.port, { hello: 1 }, COMMAND_MS);
      if (hello.isWritablePrimary === true || hello.primary !== undefined) return;
      last = 'there is no primary';
      if (hello.isreplicaset === true && place.port === place.members[0]) last = await initiate(place);
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await sleep(pause);
  }
  await server.end(0);
  throw failed(`mongod was not ready within ${READY_MS / 1000} s: ${last}`, place);
}

/** `isreplicaset` in a hello means: started as a member, and not initiated yet. */
async function initiate(place: MongoPlace): Promise<string> {
  const members = hosts(place).map((host, _id) => ({ _id, host }));
  const reply = await mongoCommand(place.port, { replSetInitiate: { _id: REPLICA_SET, members } }, COMMAND_MS);
  return reply.ok === 1 ? 'it was initiated and has no primary yet' : `replSetInitiate: ${JSON.stringify(reply.errmsg)}`;
}

function failed(message: string, place: MongoPlace): SetupError {
  return new SetupError('server-failed', `${message}. The end of its log:\n${logTail(place.logFile)}`, {
    ways: [
      'Name a MongoDB of your own with INTERLOCK_MONGO_URL',
      'If its data is kept between runs: it may come from another version, try an empty folder',
    ],
  });
}
