import type { LedgerStore } from '../ledger.js';
import type { Store } from '../store.js';
import { LIMIT, read } from './calls.js';
import { close, connect, patientClient, type TlsFiles } from './connect.js';
import { openDatabase, type Database } from './database.js';
import type { StoreLog } from './log.js';
import { mongoDocuments } from './documents.js';
import { GrantSession } from './grant-session.js';
import { mongoGrants } from './grants.js';
import { mongoGroups } from './groups.js';
import { mongoJoins } from './joins.js';
import { mongoLeases } from './leases.js';
import { mongoLedger } from './ledger.js';
import { check, manage, problems, type ManageReport } from './manage.js';
import { mongoProcesses } from './processes.js';
import { mongoSchedules } from './schedules.js';
import { mongoTasks } from './tasks.js';
import { databaseOf, refuseWeakUrl } from './url.js';

export type { ManageReport, StoreLog, TlsFiles };

export interface MongoStoreOptions {
  url: string;
  /** Else the one that the URL names, else `interlock`. */
  database?: string;
  /** Shown in the server's logs and `currentOp`. */
  appName: string;
  tls?: TlsFiles;
  log: StoreLog;
}

export interface MongoStore extends Store {
  /** For audits only: no process acts on what it reads here. */
  ledger: LedgerStore;
  /** Creates what is missing. Throws InterlockError `CONFLICT` (a newer schema, a differing index) or StoreError. */
  manage(): Promise<ManageReport>;
  /** For the start of a role. Throws InterlockError `CONFLICT` that says to run `interlock manage-db`, or StoreError. */
  check(): Promise<void>;
}

/**
 * Connects within 10 s. Two clients: heartbeats, leases and grants never wait behind task work.
 * Throws InterlockError `VALIDATION_FAILED` for a URL or a server that cannot keep the promises (a standalone, a version below 5, weak reads or
 * writes), StoreError `refused` for one that does not answer.
 */
export async function openMongoStore(options: MongoStoreOptions): Promise<MongoStore> {
  refuseWeakUrl(options.url);
  const clients = await connect(options.url, options);
  const db = openDatabase(clients, options.database ?? databaseOf(options.url), options.log);
  const session = new GrantSession(db);
  return {
    tasks: mongoTasks(db),
    processes: mongoProcesses(db),
    leases: mongoLeases(db, session, options.log),
    grants: mongoGrants(db, session),
    schedules: mongoSchedules(db),
    joins: mongoJoins(db),
    groups: mongoGroups(db),
    documents: mongoDocuments(db),
    ledger: mongoLedger(db),
    ping: () => ping(db),
    close: () => close(clients),
    manage: () => manageWith(options, db),
    check: () => check(db.bulkDb),
    problems: () => problems(db.bulkDb),
  };
}

async function ping(db: Database): Promise<{ version: string; pingMs: number }> {
  const begin = performance.now();
  await read('ping', () => db.bulkDb.command({ ping: 1, ...LIMIT }));
  const pingMs = performance.now() - begin;
  const { version } = await read('version', () => db.bulkDb.command({ buildInfo: 1, ...LIMIT }));
  return { version: String(version), pingMs };
}

async function manageWith(options: MongoStoreOptions, db: Database): Promise<ManageReport> {
  const patient = await patientClient(options.url, options);
  try {
    return await manage(patient.db(db.bulkDb.databaseName));
  } finally {
    await patient.close();
  }
}
