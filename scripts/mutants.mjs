// Builds, provides servers, and breaks the product in the ways of test/mutants.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { build } from './build.mjs';
import { runStep } from './prepare.mjs';
import { withServers } from './run-servers.mjs';

await runStep(async () => {
  await build();
  process.exitCode = await withServers(async env => {
    const args = ['--import', 'tsx', 'test/mutants/mutants.ts', ...process.argv.slice(2)];
    const [code] = await once(spawn(process.execPath, args, { env, stdio: 'inherit' }), 'exit');
    return code ?? 1;
  });
});
