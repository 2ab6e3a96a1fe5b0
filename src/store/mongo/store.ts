import type { LookupFunction } from 'node:net';
import type { Db } from 'mongodb';
import type { LedgerStore } from '../ledger.js';
import type { ArchiveStore, ScratchStore } from '../archive.js';
import type { Store } from '../store.js';
import { mongoArchive } from './archive/archive.js';
import { mongoScratch, scratchName } from './archive/scratch.js';
import { LIMIT, read } from './calls.js';
import { mongoCapacities } from './capacities.js';
import { close, connect, oneClient, patientClient, type MongoTls } from './connect.js';
import { openDatabase, type Database } from './database.js';
import type { StoreLog } from './log.js';
import { mongoDocuments } from './documents.js';
import { GrantSession } from './grant-session.js';
import { mongoGrants } from './grants.js';
import { mongoGroups } from './groups.js';
import { mongoResources } from './resources.js';
import { mongoRetention } from './retention.js';
import { mongoJoins } from './joins.js';
import { mongoLeases } from './leases.js';
import { mongoLedger } from './ledger.js';
import { mongoMaintenance } from './maintenance.js';
import { check, manage, problems, type ManageReport } from './manage.js';
import { mongoProcesses } from './processes.js';
import { mongoRates } from './rates.js';
import { refuseHalfRestored } from './restore-mark.js';
import { abandonUpgrade, beginUpgrade, type Upgrade } from './schema-version.js';
import { mongoSchedules } from './schedules.js';
import { mongoTasks } from './tasks.js';
import { mongoTokens } from './tokens.js';
import { mongoTrail } from './trail.js';
import { mongoWaits } from './waits.js';
import { databaseOf, refuseWeakUrl } from './url.js';

export { databaseOf, scratchName };
export type { ManageReport, StoreLog };

export interface MongoStoreOptions {
  url: string;
  /** Else the one that the URL names, else `interlock`. */
  database?: string;
  /** Shown in the server's logs and `currentOp`. */
  appName: string;
  tls?: MongoTls;
  /** Gives the addresses of names; Node's own otherwise. */
  lookup?: LookupFunction;
  log: StoreLog;
}

export interface MongoStore extends Store {
  /** How often a connection to the database was had again after it was lost; both clients together. */
  reconnects(): number;
  /** For audits only: no process acts on what it reads here. */
  ledger: LedgerStore;
  /** For backup and restore, which run while no role does, or beside all of them. */
  archive: ArchiveStore;
  scratch: ScratchStore;
  /** Creates what is missing. Throws InterlockError `CONFLICT` (a newer schema, a differing index, half restored) or StoreError. */
  manage(): Promise<ManageReport>;
  /**
   * Where the schema is older than this release: leaves a mark, beside which nobody can register, so that the caller can see to it that nobody lives; then
   * `manage` raises it. Undefined: it is not older. Throws SchemaMismatch for a newer one, StoreError.
   */
  beginUpgrade(): Promise<Upgrade | undefined>;
  /** Takes that mark away, if it still is the one of this upgrade. */
  abandonUpgrade(upgrade: Upgrade): Promise<void>;
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
  const name = options.database ?? databaseOf(options.url);
  const db = openDatabase(clients, name, { log: options.log, anew: ask => askAnew(options, name, ask) });
  const session = new GrantSession(db);
  return {
    reconnects: clients.reconnects,
    tasks: mongoTasks(db),
    processes: mongoProcesses(db),
    leases: mongoLeases(db, session, options.log),
    grants: mongoGrants(db, session),
    rates: mongoRates(db),
    schedules: mongoSchedules(db),
    joins: mongoJoins(db),
    groups: mongoGroups(db),
    waits: mongoWaits(db),
    capacities: mongoCapacities(db),
    retention: mongoRetention(db),
    resources: mongoResources(db),
    tokens: mongoTokens(db),
    trail: mongoTrail(db),
    documents: mongoDocuments(db),
    maintenance: mongoMaintenance(db),
    ledger: mongoLedger(db),
    archive: mongoArchive(db, () => manageWith(options, db)),
    scratch: mongoScratch(db),
    ping: () => ping(db),
    close: () => close(clients),
    manage: async () => {
      await refuseHalfRestored(db.bulkDb);
      return manageWith(options, db);
    },
    beginUpgrade: () => beginUpgrade(db.bulkDb),
    abandonUpgrade: upgrade => abandonUpgrade(db.bulkDb, upgrade),
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

async function askAnew(options: MongoStoreOptions, name: string, ask: (db: Db) => Promise<void>): Promise<void> {
  const client = oneClient(options.url, options);
  try {
    await ask(client.db(name));
  } finally {
    await client.close();
  }
}

async function manageWith(options: MongoStoreOptions, db: Database): Promise<ManageReport> {
  const patient = patientClient(options.url, options);
  try {
    return await manage(patient.db(db.bulkDb.databaseName));
  } finally {
    await patient.close();
  }
}
