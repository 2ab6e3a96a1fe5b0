// Builds, starts a whole deployment, and lets schemathesis ask it everything that its OpenAPI document allows, and much that it does not:
// test/fuzz/fuzz.ts. schemathesis is a Python program; it is put into a folder of this checkout, once. Further arguments are handed to it.
// With the word `inputs` neither is needed: good input, changed in its structure, through every door (test/fuzz/inputs.ts).
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { root, runStep } from './prepare.mjs';
import { withServers } from './run-servers.mjs';

const home = join(root, '.interlock', 'fuzz');
const requirements = join(root, 'test', 'fuzz', 'requirements.txt');

await runStep(async () => {
  if (process.argv[2] === 'inputs') {
    const args = ['--import', 'tsx', 'test/fuzz/inputs.ts', ...process.argv.slice(3)];
    process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
    return;
  }
  const schemathesis = install();
  await build();
  await withServers(async env => {
    const args = ['--import', 'tsx', 'test/fuzz/fuzz.ts', schemathesis, ...process.argv.slice(2)];
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
    // A terminal's Ctrl-C reaches the child by itself; it ends its processes first, and we wait for it.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    const [code] = await once(child, 'exit');
    process.exitCode = code ?? 1;
  });
});

/** The program's path. Anew when the version in requirements.txt has changed, or an installation was cut short. */
function install() {
  const program = join(home, 'bin', 'st');
  const stamp = join(home, 'installed');
  const sum = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  if (existsSync(program) && existsSync(stamp) && readFileSync(stamp, 'utf8') === sum) return program;
  process.stderr.write('installing schemathesis into .interlock/fuzz ...\n');
  rmSync(home, { recursive: true, force: true });
  python('python3', ['-m', 'venv', home], 'Install Python 3.10 or newer with its module venv (Debian: python3-venv)');
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
  python(join(home, 'bin', 'python'), pip, 'Check that pip reaches its package index');
  writeFileSync(stamp, sum);
  return program;
}

function python(command, args, advice) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], timeout: 10 * 60_000 });
  if (status !== 0)
    throw new Error(
      `${command} ${args.slice(0, 3).join(' ')} failed${error ? `: ${error.message}` : ''}. ${advice}, then run this again.`,
    );
}
