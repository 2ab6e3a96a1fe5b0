import { readFile } from 'node:fs/promises';
import { MongoClient, MongoServerSelectionError, type Document, type MongoClientOptions } from 'mongodb';
import { InterlockError } from '../../core/errors.js';
import { translated } from './errors.js';
import { within } from './calls.js';

export interface TlsFiles {
  /** Paths of PEM files. */
  ca?: string;
  cert?: string;
  key?: string;
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

/** Throws InterlockError `VALIDATION_FAILED` for a server that cannot keep the promises, StoreError for one that does not answer. */
export async function connect(url: string, options: { appName: string; tls?: TlsFiles }): Promise<Clients> {
  const common = { ...OPTIONS, appName: options.appName, ...(await tlsOptions(options.tls)) };
  const vital = new MongoClient(url, { ...common, retryWrites: false, maxPoolSize: 10 });
  const bulk = new MongoClient(url, { ...common, retryWrites: true, maxPoolSize: 50 });
  try {
    await within(2 * SELECTION_MS, Promise.all([vital.connect(), bulk.connect()]));
    await refuseUnfit(vital);
    return { vital, bulk };
  } catch (error) {
    const reason = error instanceof MongoServerSelectionError ? await whyUnreachable(url, common) : undefined;
    await close({ vital, bulk });
    throw reason ?? translated(error, 'connect', 'refused');
  }
}

/** Bounded: what has not closed after 2 s is left to the end of the process. */
export async function close(clients: Clients): Promise<void> {
  const closing = Promise.all([clients.vital.close(), clients.bulk.close()]);
  await within(2_000, closing).catch(() => undefined); // nothing is left to be done with these connections, also not after an error
}

/** For building indexes, where an answer may take minutes. */
export async function patientClient(url: string, options: { appName: string; tls?: TlsFiles }): Promise<MongoClient> {
  const client = new MongoClient(url, {
    ...OPTIONS,
    appName: options.appName,
    socketTimeoutMS: 15 * 60_000,
    maxPoolSize: 2,
    ...(await tlsOptions(options.tls)),
  });
  return client;
}

async function tlsOptions(files: TlsFiles | undefined): Promise<MongoClientOptions> {
  if (!files) return {};
  const [ca, cert, key] = await Promise.all(
    [files.ca, files.cert, files.key].map(async path => path && (await readFile(path, 'utf8'))),
  );
  return { tls: true, ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
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
  const plain = url.replace(/([?&])replicaSet=[^&]*/i, '$1');
  let client: MongoClient | undefined;
  try {
    client = new MongoClient(plain, { ...common, serverSelectionTimeoutMS: 2_000, directConnection: true });
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
