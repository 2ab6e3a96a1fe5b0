// One MongoDB and one RabbitMQ for a run of tests or measurements, and the environment that names them.
import { join } from 'node:path';
import { root } from './prepare.mjs';

/**
 * Calls `work` with an environment in which INTERLOCK_TEST_MONGO_URL and INTERLOCK_TEST_AMQP_URL are set. Servers that are named
 * already (so, or as INTERLOCK_MONGO_URL and INTERLOCK_AMQP_URL) are used; the others are started, and ended afterwards.
 */
export async function withServers(work) {
  const mongoUrl = process.env.INTERLOCK_TEST_MONGO_URL ?? process.env.INTERLOCK_MONGO_URL;
  const amqpUrl = process.env.INTERLOCK_TEST_AMQP_URL ?? process.env.INTERLOCK_AMQP_URL;
  const { provideServers, describeSetupError } = await import('../dist/servers/servers.js');
  const need = { mongo: mongoUrl === undefined, amqp: amqpUrl === undefined };
  const report = line => process.stderr.write(`${line}\n`);
  let servers;
  try {
    if (need.mongo || need.amqp) {
      servers = await provideServers({ directory: join(root, '.interlock'), need, report, testCommands: true });
    }
  } catch (error) {
    throw new Error(describeSetupError(error).join('\n'), { cause: error });
  }
  try {
    return await work({
      ...withoutSettings(process.env),
      INTERLOCK_TEST_MONGO_URL: servers?.mongoUrl ?? mongoUrl,
      INTERLOCK_TEST_AMQP_URL: servers?.amqpUrl ?? amqpUrl,
      INTERLOCK_TEST_MONGO_KIND: servers?.mongo?.kind ?? process.env.INTERLOCK_TEST_MONGO_KIND ?? 'own',
    });
  } finally {
    await servers?.stop();
  }
}

/** Tests say themselves what they set; a developer's own settings would change what they see. */
export function withoutSettings(env) {
  const kept = ([name]) => !name.startsWith('INTERLOCK_') || /^INTERLOCK_(TEST_|SERVERS_)/.test(name);
  return Object.fromEntries(Object.entries(env).filter(kept));
}
