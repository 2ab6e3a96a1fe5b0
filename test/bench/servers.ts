import { fileURLToPath } from 'node:url';

import { describeSetupError, provideServers, SetupError } from '../../src/servers/servers.js';
import type { TestServers } from '../support/servers.js';

const STATE = fileURLToPath(new URL('../../.interlock', import.meta.url));

export interface BenchServers extends TestServers {
  /** Ends those that were started. */
  stop: () => Promise<void>;
}

/**
 * The servers that INTERLOCK_TEST_MONGO_URL and INTERLOCK_TEST_AMQP_URL name; those that are not named are started, with empty data, and end with
 * this process at the latest. Throws Error with a sentence for the user when they cannot be had.
 */
export async function openServers(say: (line: string) => void): Promise<BenchServers> {
  const { INTERLOCK_TEST_MONGO_URL: mongoUrl, INTERLOCK_TEST_AMQP_URL: amqpUrl } = process.env;
  if (mongoUrl && amqpUrl) return { mongoUrl, amqpUrl, stop: () => Promise.resolve() };
  try {
    const provided = await provideServers({ directory: STATE, need: { mongo: !mongoUrl, amqp: !amqpUrl }, report: say });
    return {
      mongoUrl: provided.mongoUrl ?? mongoUrl ?? '',
      amqpUrl: provided.amqpUrl ?? amqpUrl ?? '',
      stop: () => provided.stop(),
    };
  } catch (error) {
    throw error instanceof SetupError ? new Error(describeSetupError(error).join('\n'), { cause: error }) : error;
  }
}
