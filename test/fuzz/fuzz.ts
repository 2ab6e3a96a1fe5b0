/**
 * `fuzz.ts SCHEMATHESIS [its options]`: a deployment with a little of everything in it, and schemathesis against its API. Exits as that does.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Deployment, TEST_TASKS } from '../support/deployment.js';
import { notAbandoned } from '../support/not-abandoned.js';
import { fill } from './fill.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const EXAMPLES = 25;
/** The slowest answer is that of a purge, which works for up to 20 s. */
const REQUEST_SECONDS = 40;

const [program = 'st', ...options] = process.argv.slice(2);
const deployment = await Deployment.create({
  timingScale: 1,
  taskModules: [join(TEST_TASKS, 'calculator.ts'), join(TEST_TASKS, 'evidence.ts')],
});
let stop = (): void => undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop());
try {
  const { api } = await deployment.startAll([['-n', 'w1', '-c', '2']]);
  const token = await fill(deployment);
  const args = ['--config-file', join(HERE, 'schemathesis.toml'), 'run', `${deployment.url}/api/v1/openapi.json`];
  const ours = [
    '--checks',
    'all',
    '--max-examples',
    String(EXAMPLES),
    '--request-timeout',
    String(REQUEST_SECONDS),
    '--continue-on-failure',
    '--wait-for-schema',
    '10',
  ];
  const child = notAbandoned(
    spawn(program, [...args, ...ours, ...options], {
      cwd: deployment.directory,
      env: { ...process.env, INTERLOCK_FUZZ_TOKEN: token },
      stdio: 'inherit',
    }),
  );
  stop = () => void child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number | null];
  if (!api.running) process.stderr.write(`The API has ended:\n${api.output.slice(-5_000)}\n`);
  process.exitCode = code === 0 && api.running ? 0 : (code ?? 1) || 1;
} finally {
  await deployment.destroy();
}
