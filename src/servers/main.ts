/**
 * The set-up as a program of its own:
 *   node dist/servers/main.js prepare [--directory .interlock]                  makes the binaries ready and ends
 *   node dist/servers/main.js run     [--directory .interlock] [--data FOLDER]  starts both servers and stays until SIGINT or SIGTERM
 * `run` prints {"mongoUrl", "amqpUrl"} as one line on standard output and writes it to <directory>/dev-servers.json.
 * A server that is named by INTERLOCK_MONGO_URL or INTERLOCK_AMQP_URL is not provided. Exit codes: 0, 1 failed, 2 usage.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeSetupError, prepareServers, provideServers, type ServerOptions } from './servers.js';

const report = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { directory: { type: 'string', default: '.interlock' }, data: { type: 'string' } },
  });
  const need = { mongo: !process.env.INTERLOCK_MONGO_URL, amqp: !process.env.INTERLOCK_AMQP_URL };
  const options = { directory: values.directory, need, report, ...(values.data && { dataDirectory: values.data }) };
  if (positionals[0] === 'prepare') await prepareServers(options);
  else if (positionals[0] === 'run') await runUntilSignal(options);
  else {
    report('usage: main.js prepare|run [--directory .interlock] [--data FOLDER]');
    return 2;
  }
  return 0;
}

async function runUntilSignal(options: ServerOptions): Promise<void> {
  const servers = await provideServers(options);
  const signalled = untilSignal();
  const file = join(options.directory, 'dev-servers.json');
  const mongoUrl = servers.mongoUrl ?? process.env.INTERLOCK_MONGO_URL;
  const amqpUrl = servers.amqpUrl ?? process.env.INTERLOCK_AMQP_URL;
  const line = JSON.stringify({ mongoUrl, amqpUrl });
  writeFileSync(file, `${line}\n`, { mode: 0o600 });
  process.stdout.write(`${line}\n`);
  await signalled;
  await servers.stop();
  // A second command in this checkout may have written its own.
  if (existsSync(file) && readFileSync(file, 'utf8') === `${line}\n`) rmSync(file);
}

/** Before this a signal just ends the process, and the guardian its servers. */
function untilSignal(): Promise<void> {
  return new Promise(resolve => {
    const alive = setInterval(() => undefined, 60_000); // servers alone do not keep their owner running
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      // Not `once`: a second signal, which `timeout` and some terminals send, must not cut the orderly end short.
      process.on(signal, () => {
        clearInterval(alive);
        resolve();
      });
    }
  });
}

main().then(
  code => (process.exitCode = code),
  (error: unknown) => {
    describeSetupError(error).forEach(report);
    process.exitCode = 1;
  },
);
