// Builds, then measures: test/bench/bench.ts, on servers that the environment names, or that it starts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { build } from './build.mjs';
import { runStep } from './prepare.mjs';
import { withoutSettings } from './run-servers.mjs';

await runStep(async () => {
  await build();
  const { INTERLOCK_MONGO_URL: mongoUrl, INTERLOCK_AMQP_URL: amqpUrl } = process.env;
  const env = {
    ...(mongoUrl && { INTERLOCK_TEST_MONGO_URL: mongoUrl }),
    ...(amqpUrl && { INTERLOCK_TEST_AMQP_URL: amqpUrl }),
    ...withoutSettings(process.env),
  };
  const args = ['--import', 'tsx', 'test/bench/bench.ts', ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { env, stdio: 'inherit' });
  // A terminal's Ctrl-C reaches the child by itself; it ends its processes first, and we wait for it.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
});
