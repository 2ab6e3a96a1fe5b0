// Builds, then breaks a whole deployment of its own: test/chaos/chaos.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { build } from './build.mjs';
import { runStep } from './prepare.mjs';
import { withoutSettings } from './run-servers.mjs';

await runStep(async () => {
  await build();
  const args = ['--import', 'tsx', 'test/chaos/chaos.ts', ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { env: withoutSettings(process.env), stdio: 'inherit' });
  // A terminal's Ctrl-C reaches the child by itself; it ends its processes first, and we wait for it.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
});
