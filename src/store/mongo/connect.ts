import type { LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import { MongoClient, MongoServerSelectionError, type Document, type MongoClientOptions } from 'mongodb';
import { InterlockError } from '../../core/errors.js';
import { translated } from './errors.js';
import { within } from './calls.js';
import type { StoreLog } from './log.js';
import { tellOfReach } from './reach.js';

/** Its presence turns TLS on. Each new connection is made with what the object then holds. */
export interface MongoTls {
  secureContext: SecureContext;
}

const SELECTION_MS = 5_000;
/** The driver waits for ever for an answer, and 30 s for a server, unless it is told otherwise. */
const OPTIONS: MongoClientOptions = {
  readPreference: 'primary',
  readConcern: { level: 'majority' },
  writeConcern: { w: 'majority', wtimeoutMS: 5_000 },
  serverSelectionTimeoutMS: SELECTION_MS,
  connectTimeoutMS: 3_000,
  socketTimeoutMS: 10_000,
  heartbeatFrequencyMS: 3_000,
  waitQueueTimeoutMS: 3_000,
  ignoreUndefined: true,
};

export interface Clients {
  vital: MongoClient;
  bulk: MongoClient;
}

export interface ConnectOptions {
  appName: string;
  tls?: MongoTls;
  lookup?: LookupFunction;
  log: StoreLog;
}

export type Connected = Clients & { reconnects: () => number };

/** Throws InterlockError `VALIDATION_FAILED` for a server that cannot keep the promises, StoreError for one that does not answer. */
export async function connect(url: string, { appName, tls, lookup, log }: ConnectOptions): Promise<Connected> {
  const common = { ...OPTIONS, appName, ...tlsOptions(tls), ...(lookup && { lookup }) };
  const vital = new MongoClient(url, { ...common, retryWrites: false, maxPoolSize: 10 });
  const bulk = new MongoClient(url, { ...common, retryWrites: true, maxPoolSize: 50 });
  const found = [timesFound(vital), timesFound(bulk)];
  try {
    await within(2 * SELECTION_MS, Promise.all([vital.connect(), bulk.connect()]));
    await refuseUnfit(vital);
    tellOfReach(vital, log); // both clients have the same members
    return { vital, bulk, reconnects: () => found.reduce((sum, times) => sum + Math.max(0, times() - 1), 0) };
  } catch (error) {
    const reason = error instanceof MongoServerSelectionError ? await whyUnreachable(url, common) : undefined;
    await close({ vital, bulk });
    throw reason ?? translated(error, 'connect', 'refused');
  }
}

/** How often this client has found a primary that it did not have before. */
function timesFound(client: MongoClient): () => number {
  let times = 0;
  let had = false;
  client.on('topologyDescriptionChanged', ({ newDescription }) => {
    const has = [...newDescription.servers.values()].some(({ type }) => PRIMARY.has(type));
    if (has && !had) times++;
    had = has;
  });
  return () => times;
}

/** What takes writes, by the driver's names: a member of a replica set, or a router of a sharded cluster. */
const PRIMARY = new Set<string>(['RSPrimary', 'Mongos', 'LoadBalancer']);

/** Bounded: what has not closed after 2 s is left to the end of the process. */
export async function close(clients: Clients): Promise<void> {
  const closing = Promise.all([clients.vital.close(), clients.bulk.close()]);
  await within(2_000, closing).catch(() => undefined); // nothing is left to be done with these connections, also not after an error
}

/** For building indexes, where an answer may take minutes. */
export function patientClient(url: string, options: { appName: string; tls?: MongoTls }): MongoClient {
  return new MongoClient(url, {
    ...OPTIONS,
    appName: options.appName,
    socketTimeoutMS: 15 * 60_000,
    maxPoolSize: 2,
    ...tlsOptions(options.tls),
  });
}

/** For looking only: one client, whatever the server is like. Nothing is sent yet. */
export function oneClient(url: string, options: { appName: string; tls?: MongoTls }): MongoClient {
  return new MongoClient(url, { ...OPTIONS, appName: options.appName, maxPoolSize: 2, ...tlsOptions(options.tls) });
}

/** The same of one host by itself, as if it belonged to no replica set. Throws for several hosts. */
export function aloneClient(url: string, options: { appName: string; tls?: MongoTls }): MongoClient {
  const common = { ...OPTIONS, appName: options.appName, ...tlsOptions(options.tls) };
  return new MongoClient(withoutSet(url), { ...common, serverSelectionTimeoutMS: 2_000, directConnection: true });
}

function withoutSet(url: string): string {
  return url.replace(/([?&])replicaSet=[^&]*/i, '$1');
}

function tlsOptions(tls: MongoTls | undefined): MongoClientOptions {
  return tls ? { tls: true, secureContext: tls.secureContext } : {};
}

export const OLDEST_VERSION = 5;

async function refuseUnfit(client: MongoClient): Promise<void> {
  const admin = client.db('admin');
  const hello = await admin.command({ hello: 1 });
  if (hello.setName === undefined && hello.msg !== 'isdbgrid') throw notReplicaSet(hello);
  const { version } = await admin.command({ buildInfo: 1 });
  if (Number.parseInt(String(version), 10) >= OLDEST_VERSION) return;
  throw unfit(`MongoDB ${String(version)} is too old: Interlock needs ${OLDEST_VERSION}.0 or newer.`);
}

function notReplicaSet(hello: Document): InterlockError {
  const initiate = `mongosh --eval 'rs.initiate()'`;
  if (hello.isreplicaset === true) {
    return unfit(`This mongod belongs to a replica set that was never initiated. Run: ${initiate}`);
  }
  return unfit(
    'This mongod is a standalone; Interlock needs a replica set, and one member is enough, because only a replica set has ' +
      `transactions and majority writes. Restart it with --replSet rs0, then run: ${initiate}`,
  );
}

/** The driver finds no server in a standalone where the URL names a replica set, nor in a set that was never initiated: ask it directly. */
async function whyUnreachable(url: string, common: MongoClientOptions): Promise<InterlockError | undefined> {
  let client: MongoClient | undefined;
  try {
    client = new MongoClient(withoutSet(url), { ...common, serverSelectionTimeoutMS: 2_000, directConnection: true });
    const hello = await client.db('admin').command({ hello: 1 });
    return hello.setName === undefined ? notReplicaSet(hello) : undefined;
  } catch {
    return undefined; // not there at all, or several hosts, which cannot be asked directly: the first error says enough
  } finally {
    await client?.close();
  }
}

/** A wrong setting, as the owner of the configuration should read it. */
export function unfit(detail: string): InterlockError {
  return new InterlockError('VALIDATION_FAILED', `MongoDB: ${detail}`, { errors: [{ pointer: '/mongo/url', detail }] });
}
