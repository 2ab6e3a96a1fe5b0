import { MongoServerSelectionError, type Db, type Document, type MongoClient } from 'mongodb';
import { InterlockError } from '../../core/errors.js';
import type { DatabaseDiagnosis, DatabaseDrift, ReachedDatabase } from '../diagnosis.js';
import { LIMIT, within } from './calls.js';
import { aloneClient, oneClient, type MongoTls } from './connect.js';
import { drift } from './manage.js';
import { databaseOf } from './url.js';

export interface DiagnoseOptions {
  url: string;
  appName: string;
  tls?: MongoTls;
}

/** Unauthorized, AuthenticationFailed. */
const LOGIN_CODES = new Set<unknown>([13, 18]);
/** All of it together: some dozens of commands at a slow server. */
const WHOLE_MS = 60_000;
/** What roles do with their collections. */
const NEEDED_ACTIONS = ['find', 'insert', 'update', 'remove', 'createCollection', 'createIndex', 'listIndexes', 'dropIndex'];

/** Looks at the server and the database as they are, also where no store would be opened on them. Never throws for what it finds there. */
export async function diagnoseMongo(options: DiagnoseOptions): Promise<DatabaseDiagnosis> {
  const client = oneClient(options.url, options);
  try {
    return await within(WHOLE_MS, examined(client, options));
  } catch (error) {
    if (error instanceof MongoServerSelectionError) return (await alone(options)) ?? unreachable(error);
    if (LOGIN_CODES.has((error as { code?: unknown }).code)) return { state: 'refused', why: (error as Error).message };
    return unreachable(error);
  } finally {
    await within(2_000, client.close()).catch(() => undefined); // nothing is left to be done with it
  }
}

function unreachable(error: unknown): DatabaseDiagnosis {
  return { state: 'unreachable', why: error instanceof Error ? error.message : String(error) };
}

/** The driver finds no server in a standalone where the URL names a replica set, nor in a set that was never initiated. */
async function alone(options: DiagnoseOptions): Promise<DatabaseDiagnosis | undefined> {
  let client: MongoClient | undefined;
  try {
    client = aloneClient(options.url, options);
    const found = await basics(client, databaseOf(options.url));
    // A member of a set that has no primary is there, but of no use.
    return found.kind === 'replica-set' ? undefined : found;
  } catch {
    return undefined; // not there at all, or several hosts, which cannot be asked directly: the first error says enough
  } finally {
    await client?.close();
  }
}

async function examined(client: MongoClient, { url }: DiagnoseOptions): Promise<ReachedDatabase> {
  await client.connect();
  const found = await basics(client, databaseOf(url));
  if (found.kind === 'standalone' || found.kind === 'uninitiated') return found;
  const db = client.db(found.database);
  const admin = client.db('admin');
  await refuseStrangers(db);
  const more = {
    featureCompatibility: await told(() => compatibility(admin)),
    members: found.kind === 'replica-set' ? await told(() => members(admin)) : undefined,
    disk: await told(() => disk(db)),
    mayNot: await told(() => mayNot(db)),
    drift: await told(() => driftOf(db)),
    tokens: await told(() => db.collection('tokens').countDocuments({}, { ...LIMIT, limit: 1 })),
  };
  return { ...found, ...defined(more) };
}

/** What every server tells everybody. */
async function basics(client: MongoClient, database: string): Promise<ReachedDatabase> {
  const admin = client.db('admin');
  await admin.command({ hello: 1 }); // the connection is made
  const begin = performance.now();
  const beganAt = Date.now();
  const hello = await admin.command({ hello: 1 });
  const roundTripMs = performance.now() - begin;
  const { version } = await admin.command({ buildInfo: 1 });
  const thereMs = (hello.localTime as Date).getTime();
  const clock = { thereMs, hereMs: Math.round(beganAt + roundTripMs / 2), roundTripMs: Math.ceil(roundTripMs) };
  return { state: 'reached', database, version: String(version), kind: kindOf(hello), clock };
}

function kindOf(hello: Document): ReachedDatabase['kind'] {
  if (hello.setName !== undefined) return 'replica-set';
  if (hello.msg === 'isdbgrid') return 'sharded';
  return hello.isreplicaset === true ? 'uninitiated' : 'standalone';
}

/** Undefined where it cannot be had, for whatever reason: what the server tells everybody stands without it. */
async function told<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof TypeError || error instanceof ReferenceError) throw error; // bugs of ours
    return undefined;
  }
}

/** Whoever logged in as nobody is told a version, and no more. Throws then. */
async function refuseStrangers(db: Db): Promise<void> {
  try {
    await db.collection('meta').findOne({}, { projection: { _id: 1 }, ...LIMIT });
  } catch (error) {
    if (LOGIN_CODES.has((error as { code?: unknown }).code)) throw error;
  }
}

async function compatibility(admin: Db): Promise<string | undefined> {
  const answer = await admin.command({ getParameter: 1, featureCompatibilityVersion: 1, ...LIMIT });
  const version: unknown = (answer.featureCompatibilityVersion as Document | undefined)?.version;
  return typeof version === 'string' ? version : undefined;
}

/** States of members that take part: primary, secondary. */
const WORKING = new Set<unknown>([1, 2]);

async function members(admin: Db): Promise<ReachedDatabase['members']> {
  const status = await admin.command({ replSetGetStatus: 1, ...LIMIT });
  if (!Array.isArray(status.members)) return undefined;
  const all = status.members as { name: string; health: number; state: number; stateStr: string }[];
  const carrying = all.filter(({ stateStr }) => stateStr !== 'ARBITER');
  const up = carrying.filter(({ health, state }) => health === 1 && WORKING.has(state));
  const down = all.filter(({ health }) => health !== 1).map(({ name }) => name);
  const needed: unknown = status.writeMajorityCount;
  return { healthy: up.length, neededForMajority: typeof needed === 'number' ? needed : 1, down };
}

async function disk(db: Db): Promise<ReachedDatabase['disk']> {
  const { fsUsedSize, fsTotalSize } = await db.command({ dbStats: 1, ...LIMIT });
  if (typeof fsUsedSize !== 'number' || typeof fsTotalSize !== 'number') return undefined;
  return { usedBytes: fsUsedSize, totalBytes: fsTotalSize };
}

interface Privilege {
  resource: { db?: string; collection?: string; anyResource?: boolean };
  actions: string[];
}

/** What a logged-in user lacks. Without a login there is either no access control, or every command has been refused already. */
async function mayNot(db: Db): Promise<ReachedDatabase['mayNot']> {
  const { authInfo } = await db.command({ connectionStatus: 1, showPrivileges: true, ...LIMIT });
  const info = authInfo as { authenticatedUsers?: { user: string }[]; authenticatedUserPrivileges?: Privilege[] } | undefined;
  const [user] = info?.authenticatedUsers ?? [];
  if (!user) return undefined;
  const here = ({ resource }: Privilege): boolean =>
    resource.anyResource === true || ((resource.db === db.databaseName || resource.db === '') && resource.collection === '');
  const granted = new Set((info?.authenticatedUserPrivileges ?? []).filter(here).flatMap(({ actions }) => actions));
  const actions = granted.has('anyAction') ? [] : NEEDED_ACTIONS.filter(action => !granted.has(action));
  return actions.length > 0 ? { user: user.user, actions } : undefined;
}

async function driftOf(db: Db): Promise<DatabaseDrift> {
  try {
    return await drift(db);
  } catch (error) {
    if (error instanceof InterlockError && error.code === 'CONFLICT')
      return { missing: [], differing: [], refused: error.message };
    throw error;
  }
}

function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
