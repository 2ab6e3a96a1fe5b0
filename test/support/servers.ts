import { existsSync, readFileSync } from 'node:fs';

/** The servers of this test run: given by `scripts/test`, or those that a developer keeps running. */
export interface TestServers {
  mongoUrl: string;
  amqpUrl: string;
}

export function testServers(): TestServers {
  const mongoUrl = process.env.INTERLOCK_TEST_MONGO_URL;
  const amqpUrl = process.env.INTERLOCK_TEST_AMQP_URL;
  if (mongoUrl !== undefined && amqpUrl !== undefined) return { mongoUrl, amqpUrl };
  const file = new URL('../../.interlock/dev-servers.json', import.meta.url);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as TestServers;
  throw new Error('No test servers: run `npm test`, or keep some running with `node dist/servers/main.js run`.');
}
