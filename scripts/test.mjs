// npm test [-- STAGE...]: builds, checks the code, then runs the tests stage by stage; the folders that need servers side by side, on servers
// of their own: they mostly wait. A stage is `check`, a folder of test/ (unit, simulation, contract, integration), or a path of a test file.
// Ends with `N passed, N failed` over all of them; each check counts as one.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { root, runStep } from './prepare.mjs';
import { withoutSettings, withServers } from './run-servers.mjs';

const CHECKS = ['format', 'types', 'lint', 'imports', 'dead'];
const FOLDERS = ['unit', 'simulation', 'contract', 'integration'];
/** These need no server. */
const ALONE = ['unit', 'simulation'];
const ALL = ['check', ...FOLDERS];
/** No stage takes half as long on the slowest machine seen; a test that hangs must not hang the run. */
const STAGE_MS = 40 * 60_000;
/** Mocha's command hands no other signal on to the process that runs the tests. */
const END = 'SIGINT';

const total = { passed: 0, failed: 0 };
const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    total.failed += 1; // what was cut short has not passed
    stages = [];
    for (const child of running) child.kill(END);
  });
}

let stages = process.argv.length > 2 ? process.argv.slice(2) : [...ALL];
await runStep(async () => {
  const unknown = stages.find(stage => !ALL.includes(stage) && !existsSync(stage));
  if (unknown !== undefined) {
    process.stderr.write(`error: "${unknown}" is neither one of ${ALL.join(', ')} nor a file\n`);
    process.exitCode = 2;
    return;
  }
  try {
    await build();
    await runStages();
  } catch (error) {
    total.failed += 1;
    process.stderr.write(`${error.message}\n`);
  }
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
  process.exitCode = total.failed === 0 ? 0 : 1;
});

/** Servers are started when the first stage comes that needs them. */
async function runStages() {
  while (stages[0] === 'check' || ALONE.includes(stages[0])) {
    const stage = stages.shift();
    if (stage === 'check') await check();
    else await mocha(stage, withoutSettings(process.env));
  }
  if (stages.length === 0) return;
  await withServers(async env => {
    const folders = stages.filter(stage => FOLDERS.includes(stage));
    stages = stages.filter(stage => !FOLDERS.includes(stage));
    const last = folders.at(-1); // its output comes as it goes, that of the others when they have ended
    await Promise.all(folders.map(stage => mocha(stage, env, stage !== last)));
    for (let stage; (stage = stages.shift()) !== undefined;) await (stage === 'check' ? check() : mocha(stage, env));
  });
}

async function check() {
  for (const name of CHECKS) {
    const ok = await run('npm', ['run', '--silent', `check:${name}`], withoutSettings(process.env));
    process.stdout.write(`${ok ? 'passed' : 'FAILED'}  check:${name}\n`);
    total[ok ? 'passed' : 'failed'] += 1;
  }
}

async function mocha(stage, env, later = false) {
  const title = `\n=== ${stage}\n`;
  if (!later) process.stdout.write(title);
  const spec = FOLDERS.includes(stage) ? `test/${stage}/**/*.test.ts` : stage;
  const folder = mkdtempSync(join(tmpdir(), 'interlock-test-'));
  const file = join(folder, 'counts.json');
  const args = [join(root, 'node_modules/mocha/bin/mocha.js'), '--reporter', 'test/support/reporter.ts', spec];
  const output = later ? openSync(join(folder, 'output'), 'a+') : undefined;
  const began = Date.now();
  const ok = await run(process.execPath, args, { ...env, INTERLOCK_TEST_COUNTS: file }, output);
  if (output !== undefined) {
    process.stdout.write(title + readFileSync(join(folder, 'output'), 'utf8'));
    closeSync(output);
  }
  process.stdout.write(`=== ${stage} took ${Math.round((Date.now() - began) / 1_000)} s\n`);
  const counts = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 0 };
  rmSync(folder, { recursive: true });
  total.passed += counts.passed;
  // A run that ended badly without a failed test: it could not load, was killed, or did not exit by itself.
  total.failed += counts.failed > 0 || ok ? counts.failed : 1;
}

/** Resolves with whether the command ended well, within the time of a stage. */
function run(command, args, env, output = 'inherit') {
  return new Promise(resolve => {
    const child = spawn(command, args, {
      cwd: root,
      env,
      stdio: ['ignore', output, output],
      timeout: STAGE_MS,
      killSignal: END,
    });
    running.add(child);
    const ended = ok => {
      running.delete(child);
      resolve(ok);
    };
    child.once('error', () => ended(false));
    child.once('exit', code => ended(code === 0));
  });
}
