import { diagnoseAmqp } from '../../broker/amqp/diagnose.js';
import type { BrokerDiagnosis } from '../../broker/diagnosis.js';
import type { Destination } from '../../broker/broker.js';
import { ConfigError } from '../../config/config-error.js';
import { loadConfig, requireServers } from '../../config/load.js';
import type { Config } from '../../config/schema.js';
import { InterlockError } from '../../core/errors.js';
import { unread } from '../../doctor/checks/broker.js';
import { diagnose, type Diagnosis } from '../../doctor/doctor.js';
import type { Evidence, RecordsEvidence } from '../../doctor/evidence.js';
import type { ProcessLogger } from '../../process/logger.js';
import { redactText } from '../../process/redact.js';
import { system } from '../../process/system.js';
import { diagnoseMongo } from '../../store/mongo/diagnose.js';
import type { DatabaseDiagnosis } from '../../store/diagnosis.js';
import { amqpOptions, openStoreOnce, roleLogger, tlsOf, versions } from '../compose.js';
import { tlsProblems } from '../tls.js';
import { lookAtMachine } from './machine.js';
import { lookAtRecords } from './records.js';

export interface DoctorOptions {
  /** For how long a task may wait for its resources before it is told. */
  blockedAfterMs: number;
}

const NAME = 'interlock doctor';
/** A worker whose slots are full consumes nothing, and begins again a moment after one is free. */
const UNREAD_LOOKS = 4;
const UNREAD_PAUSE_MS = 1_000;

/**
 * `interlock doctor`: looks at settings, machine, servers and records from the outside, whatever lives or does not; changes nothing. Throws only what is a
 * bug: whatever goes wrong on the way is a finding.
 */
export async function runDoctor(options: DoctorOptions): Promise<Diagnosis & { durationMs: number }> {
  const begin = performance.now();
  const found = diagnose(await gather(options));
  return { ...found, durationMs: Math.round(performance.now() - begin) };
}

async function gather(options: DoctorOptions): Promise<Evidence> {
  const { interlock: version } = versions();
  try {
    const { config } = loadConfig();
    const servers = requireServers(config);
    return { version, configuration: [], ...(await lookAround(config, servers, options)) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { version, configuration: error.problems };
  }
}

async function lookAround(
  config: Config,
  { mongoUrl, amqpUrl }: { mongoUrl: string; amqpUrl: string },
  options: DoctorOptions,
): Promise<Omit<Evidence, 'version' | 'configuration'> & Partial<Pick<Evidence, 'configuration'>>> {
  const logger = roleLogger({ log: { ...config.log, level: 'fatal' } }, 'doctor', NAME);
  try {
    const machine = lookAtMachine(config, system.clock.wall());
    const unsound = tlsProblems({ ...config, api: { ...config.api, tls: NO_TLS } });
    if (unsound.length > 0) return { machine, configuration: unsound }; // no connection can be made with these
    const database = withoutSecrets(await diagnoseMongo({ url: mongoUrl, appName: NAME, ...tlsOf(config, 'mongo') }));
    const read: ReadRecords = isUsable(database) ? await recordsAt(config, mongoUrl, { logger, ...options }) : {};
    const broker = withoutSecrets(await brokerAt(config, amqpUrl, { logger, records: read.records }));
    return { machine, database, broker, ...read };
  } finally {
    await logger.close();
  }
}

/** The API's files are often for its own user alone: they are judged by `lookAtMachine`. */
const NO_TLS: Config['api']['tls'] = {
  ...{ certificateFile: null, keyFile: null, clientCaFile: null },
  ...{ crlFile: null, crlDirectory: null },
};

function isUsable(database: DatabaseDiagnosis): boolean {
  if (database.state !== 'reached' || database.drift?.refused !== undefined) return false;
  return database.kind === 'replica-set' || database.kind === 'sharded';
}

type ReadRecords = Pick<Evidence, 'records' | 'recordsTrouble'>;

async function recordsAt(
  config: Config,
  url: string,
  { logger, blockedAfterMs }: { logger: ProcessLogger; blockedAfterMs: number },
): Promise<ReadRecords> {
  try {
    const store = await openStoreOnce(config, url, { appName: NAME, log: logger });
    try {
      return { records: await lookAtRecords(store, { config, blockedAfterMs, runtime: system }) };
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof InterlockError) return { recordsTrouble: redactText(error.message) };
    throw error;
  }
}

/** Queues that seem to be read by nobody are looked at again: somebody may just begin. */
async function brokerAt(
  config: Config,
  url: string,
  { logger, records }: { logger: ProcessLogger; records: RecordsEvidence | undefined },
): Promise<BrokerDiagnosis> {
  const options = amqpOptions(config, url, NAME, logger);
  for (let look = 1; ; look++) {
    const broker = await diagnoseAmqp(options, destinationsOf(records));
    if (look === UNREAD_LOOKS || broker.state !== 'reached' || !records) return broker;
    if (unread(broker.queues, records).length === 0) return broker;
    await system.timers.sleep(UNREAD_PAUSE_MS);
  }
}

function destinationsOf(records: RecordsEvidence | undefined): Destination[] {
  const workers = records?.workers ?? [];
  const queues = [...new Set(workers.flatMap(worker => (worker.dedicated ? [] : worker.queues)))].sort();
  const own = workers.filter(({ dedicated }) => dedicated).map(({ name }) => name);
  return [
    { to: 'resource-manager' },
    ...queues.map((queue): Destination => ({ to: 'queue', queue })),
    ...own.map((worker): Destination => ({ to: 'worker', worker })),
  ];
}

/** Errors of drivers may repeat an address with its password. */
function withoutSecrets<T extends DatabaseDiagnosis | BrokerDiagnosis>(found: T): T {
  return 'why' in found ? { ...found, why: redactText(found.why) } : found;
}
