// Builds, provides servers, and runs test/bench on them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { build } from './build.mjs';
import { runStep } from './prepare.mjs';
import { withServers } from './run-servers.mjs';

await runStep(async () => {
  await build();
  process.exitCode = await withServers(async env => {
    const args = ['--import', 'tsx', 'test/bench/bench.ts', ...process.argv.slice(2)];
    const child = spawn(process.execPath, args, { env, stdio: 'inherit' });
    // A terminal's Ctrl-C reaches the child by itself; it ends its processes first, and we wait for it.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    const [code] = await once(child, 'exit');
    return code ?? 1;
  });
});
