// Builds, provides servers, and runs one scenario of test/bench on them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { build } from './build.mjs';
import { runStep } from './prepare.mjs';
import { withServers } from './run-servers.mjs';

await runStep(async () => {
  await build();
  process.exitCode = await withServers(async env => {
    const args = ['--import', 'tsx', 'test/bench/bench.ts', ...process.argv.slice(2)];
    const [code] = await once(spawn(process.execPath, args, { env, stdio: 'inherit' }), 'exit');
    return code ?? 1;
  });
});
