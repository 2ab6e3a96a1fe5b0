import { loadConfig, requireServers } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { openBroker, openStoreOnce, roleLogger } from './compose.js';
import { readyForUpgrade } from './upgrade.js';

export interface ManageReport {
  /** What was missing and is there now. Empty: nothing had to be done. */
  created: string[];
  /** Indexes that earlier versions needed. */
  dropped: string[];
  /** Where the form of the records changed: from which schema, and to which. */
  upgraded?: { from: number; to: number };
  /** Whether RabbitMQ answered; if not, its queues are made by the first role that reaches it. */
  broker: 'up' | 'away';
}

/** `interlock manage-db`. Throws ConfigError, and what `manageDatabase` throws. */
export async function manageDb(): Promise<ManageReport> {
  const { config } = loadConfig();
  return manageDatabase({ config, ...requireServers(config) });
}

/**
 * Collections, indexes and the fixed documents in MongoDB, exchanges and queues in RabbitMQ. Safe to repeat, and to run beside live
 * processes, unless the schema changes: that is refused as long as any of them lives. Throws StoreError, InterlockError `CONFLICT`, ConfigError for a server that can never do, and what the broker refuses.
 */
export async function manageDatabase(given: { config: Config; mongoUrl: string; amqpUrl: string }): Promise<ManageReport> {
  const { config, mongoUrl, amqpUrl } = given;
  const name = 'interlock manage-db';
  const logger = roleLogger({ log: { ...config.log, level: 'warn' } }, 'manage-db', name);
  const store = await openStoreOnce(config, mongoUrl, { appName: name, log: logger });
  const broker = openBroker(config, amqpUrl, name, logger);
  try {
    await readyForUpgrade(store, config);
    const report = await store.manage();
    await broker.start(); // declares what is missing
    return { ...report, broker: broker.status().state === 'up' ? 'up' : 'away' };
  } finally {
    await broker.close();
    await store.close();
    await logger.close();
  }
}
