import { readFileSync } from 'node:fs';
import type { SecureContext } from 'node:tls';

import { createAmqpBroker, type AmqpBroker } from '../broker/amqp/broker.js';
import type { AmqpOptions } from '../broker/amqp/options.js';
import { TopologyConflict } from '../broker/amqp/topology-conflict.js';
import { ConfigError } from '../config/config-error.js';
import { loadConfig, requireServers } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { InterlockError, StoreError } from '../core/errors.js';
import type { Measured, ProcessIdentity, Role } from '../core/process.js';
import { identify } from '../process/identity.js';
import { createLogger, type ProcessLogger } from '../process/logger.js';
import { nameLookup } from '../process/name-lookup.js';
import { jittered, type Runtime } from '../process/runtime.js';
import { redactText } from '../process/redact.js';
import type { Service } from '../process/service.js';
import { onHangUp } from '../process/signals.js';
import { system } from '../process/system.js';
import type { LiveTls } from '../process/tls/live-tls.js';
import { Certificates } from '../process/tls/certificates.js';
import { measuringVitals, Tally } from '../process/vitals.js';
import { openMongoStore, type MongoStore } from '../store/mongo/store.js';
import { compareClocks } from './clock-check.js';
import { leave } from './leave.js';
import { processName } from './names.js';
import { serverTls, type ServerTls } from './tls.js';

/** What every role is made of. */
export interface Parts {
  config: Config;
  logger: ProcessLogger;
  runtime: Runtime;
  store: MongoStore;
  broker: AmqpBroker;
  name: string;
  identity: ProcessIdentity;
  versions: { interlock: string; node: string };
  tally: Tally;
  /** What it tells of itself with its heartbeats. */
  tell: () => Measured;
  /** Aborts with the first signal. */
  asked: AbortController;
  /** Of all its connections; read anew from time to time, and with SIGHUP. */
  certificates: Certificates;
  /** The two connections as services; opened before all others and closed after them. */
  database: Service;
  messages: Service;
}

const RETRY_MS = 2_000;
/** One for both servers: what one of them asks for is answered for the other. */
const lookup = nameLookup(system);

/**
 * Configuration → logger → database → broker. A database that does not answer yet is waited for: after an outage nobody has to
 * start anything by hand. Throws ConfigError, and InterlockError for a database or an address that can never do.
 */
export async function compose(role: Role, flags: { name?: string | undefined }): Promise<Parts> {
  const { config, warnings } = loadConfig();
  const { mongoUrl, amqpUrl } = requireServers(config);
  const name = await processName(role, flags.name);
  const logger = roleLogger(config, role, name);
  for (const warning of warnings) logger.warn(warning);
  const asked = new AbortController();
  const certificates = certificatesOf(config, logger, asked.signal);
  const early = stopWaitingOnSignal(logger);
  const store = await openStore({ config, url: mongoUrl, name, logger });
  const broker = openBroker(config, amqpUrl, name, logger);
  early();
  const tally = new Tally();
  return {
    config,
    logger,
    runtime: system,
    store,
    broker,
    name,
    identity: identify(),
    versions: versions(),
    tally,
    tell: telling(tally, store, broker),
    asked,
    certificates,
    database: { name: 'database', start: () => checked(store, logger), stop: () => store.close() },
    messages: { name: 'broker', start: () => declare(broker), stop: () => broker.close() },
  };
}

/** From the beginning: a role that waits for its database may wait because of a certificate. */
function certificatesOf(config: Config, log: ProcessLogger, over: AbortSignal): Certificates {
  const certificates = new Certificates({ everyMs: config.tls.rereadSeconds * 1_000, runtime: system, log });
  for (const live of Object.values(serverTls(config)) as (LiveTls | undefined)[]) if (live) certificates.add(live);
  certificates.watch(over);
  onHangUp(() => certificates.reread());
  return certificates;
}

function telling(tally: Tally, store: MongoStore, broker: AmqpBroker): () => Measured {
  const vitals = measuringVitals();
  return () => {
    const { reconnects, recycles, returned, deferred, deadBy, eventsDropped } = broker.status();
    const counts = tally.counts({
      brokerReconnects: reconnects,
      databaseReconnects: store.reconnects(),
      channelsReplaced: recycles,
      messagesReturned: returned,
      messagesDeferred: deferred,
      messagesOversized: deadBy.size,
      messagesMalformed: deadBy.format,
      messagesNewer: deadBy.version,
      messagesForeign: deadBy.content,
      eventsDropped,
    });
    return { counts, vitals: vitals() };
  };
}

export function roleLogger({ log }: Pick<Config, 'log'>, role: string, instance: string): ProcessLogger {
  const terminal = process.stderr.isTTY;
  const format = log.format === 'auto' ? (terminal ? 'pretty' : 'json') : log.format;
  return createLogger({
    role,
    instance,
    level: log.level,
    format,
    colors: terminal && process.env.NO_COLOR === undefined,
  });
}

/** One try for commands that end (`manage-db`, `audit`, `backup`). Throws StoreError when the database does not answer. */
export async function openStoreOnce(
  config: Config,
  url: string,
  as: { appName: string; log: ProcessLogger; database?: string },
): Promise<MongoStore> {
  return openMongoStore({ url, ...tlsOf(config, 'mongo'), ...as });
}

export function versions(): { interlock: string; node: string } {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return { interlock: (JSON.parse(text) as { version: string }).version, node: process.versions.node };
}

export function amqpOptions(config: Config, url: string, name: string, log: ProcessLogger): AmqpOptions {
  const random = (): number => system.random.uniform();
  return { url, name, prefix: config.amqp.prefix, ...tlsOf(config, 'amqp'), lookup, random, log };
}

/** Connects in the background, once it is started. */
export function openBroker(config: Config, url: string, name: string, log: ProcessLogger): AmqpBroker {
  try {
    return createAmqpBroker(amqpOptions(config, url, name, log));
  } catch (error) {
    throw asSetting('amqp.url', error);
  }
}

async function openStore(given: { config: Config; url: string; name: string; logger: ProcessLogger }): Promise<MongoStore> {
  const { config, url, name, logger } = given;
  for (;;) {
    try {
      return await openMongoStore({ url, appName: name, ...tlsOf(config, 'mongo'), lookup, log: logger });
    } catch (error) {
      if (!(error instanceof StoreError)) throw asSetting('mongo.url', error);
      logger.warn(`MongoDB does not answer at ${url}; trying again until it does.`, { reason: error.message });
      await system.timers.sleep(jittered(RETRY_MS, system.random));
    }
  }
}

/** Nothing is running yet while we wait for the database: the first signal, or the end of who started us, may end it. */
function stopWaitingOnSignal(logger: ProcessLogger): () => void {
  const end = (): void => void logger.close().then(() => leave(0));
  const events = ['SIGTERM', 'SIGINT', 'disconnect'] as const;
  for (const event of events) process.once(event, end);
  return () => events.forEach(event => process.off(event, end));
}

/** Options for a driver only where a file is named: their mere presence turns TLS on. Throws ConfigError. */
export function tlsOf(config: Config, server: keyof ServerTls): { tls?: { secureContext: SecureContext } } {
  const live = serverTls(config)[server];
  return live ? { tls: { secureContext: live.secureContext } } : {};
}

async function checked(store: MongoStore, logger: ProcessLogger): Promise<void> {
  await store.check();
  await compareClocks(store.schedules, system.clock, logger);
}

async function declare(broker: AmqpBroker): Promise<void> {
  try {
    await broker.start();
  } catch (error) {
    if (!(error instanceof TopologyConflict)) throw error;
    throw new ConfigError([{ key: 'amqp.url', source: 'at start', detail: error.message }]);
  }
}

/** What a server or its driver says of an address belongs to the settings. */
function asSetting(key: string, error: unknown): unknown {
  if (!(error instanceof InterlockError) || error.code !== 'VALIDATION_FAILED') return error;
  return new ConfigError([{ key, source: 'at start', detail: redactText(error.message) }]);
}
