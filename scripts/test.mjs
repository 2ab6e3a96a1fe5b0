// npm test [-- STAGE...]: builds, checks the code, then runs the tests: the folders that need no servers side by side, then those that need them, on
// servers of their own. A stage is `check`, a folder of test/ (unit, simulation, contract, integration), or a path of a test file.
// Ends with `N passed, N failed` over all of them; each check counts as one.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { root, runStep } from './prepare.mjs';
import { withoutSettings, withServers } from './run-servers.mjs';

/** Two lanes of about the same length. */
const CHECKS = [['lint'], ['format', 'types', 'imports', 'dead']];
const FOLDERS = ['unit', 'simulation', 'contract', 'integration'];
/** These need no server. */
const ALONE = ['unit', 'simulation'];
const ALL = ['check', ...FOLDERS];
/** No stage takes half as long on the slowest machine seen; a test that hangs must not hang the run. */
const STAGE_MS = Number(process.env.INTERLOCK_TEST_STAGE_MINUTES ?? 40) * 60_000;
/** Mocha's command hands no other signal on to the process that runs the tests. */
const END = 'SIGINT';

const total = { passed: 0, failed: 0 };
/** What failed, told again at the end: a run prints thousands of lines, and a log of it may be cut. */
const failures = [];
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
  // A pattern of paths is taken as it is.
  const unknown = stages.find(stage => !ALL.includes(stage) && !existsSync(stage) && !stage.includes('*'));
  if (unknown !== undefined) {
    process.stderr.write(`error: "${unknown}" is neither one of ${ALL.join(', ')} nor a file\n`);
    process.exitCode = 2;
    return;
  }
  try {
    await build();
    await runStages();
  } catch (error) {
    fail('the run', error.message);
  }
  for (const { title, said } of failures) process.stdout.write(`\nFAILED  ${title}\n${said.replace(/^/gm, '    ')}\n`);
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
  process.exitCode = total.failed === 0 ? 0 : 1;
});

/** Servers are started when the first stage comes that needs them. */
async function runStages() {
  if (take(['check']).length > 0) await check();
  await sideBySide(take(ALONE), withoutSettings(process.env));
  if (stages.length === 0) return;
  await withServers(async env => {
    await sideBySide(take(FOLDERS), env);
    for (let file; (file = stages.shift()) !== undefined;) await mocha(file, env);
  });
}

function take(names) {
  const taken = stages.filter(stage => names.includes(stage));
  stages = stages.filter(stage => !names.includes(stage));
  return taken;
}

/** The output of the last one comes as it goes, that of the others when they have ended. */
async function sideBySide(folders, env) {
  await Promise.all(folders.map(stage => mocha(stage, env, stage !== folders.at(-1))));
}

async function check() {
  await Promise.all(CHECKS.map(checkInTurn));
}

async function checkInTurn(names) {
  for (const name of names) {
    const ok = await run('npm', ['run', '--silent', `check:${name}`], withoutSettings(process.env));
    process.stdout.write(`${ok ? 'passed' : 'FAILED'}  check:${name}\n`);
    if (ok) total.passed += 1;
    else fail(`check:${name}`, 'its messages stand above');
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
  const counts = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 0, failures: [], tookMs: {} };
  rmSync(folder, { recursive: true });
  process.stdout.write(`=== ${stage} took ${Math.round((Date.now() - began) / 1_000)} s${slowest(counts.tookMs)}\n`);
  total.passed += counts.passed;
  total.failed += counts.failed;
  failures.push(...counts.failures);
  if (!ok && counts.failed === 0)
    fail(stage, 'no test failed, but the run ended badly: it could not load, was killed, or did not exit by itself');
}

/** The files that took longest, where it was several. */
function slowest(tookMs) {
  const files = Object.entries(tookMs).sort(([, a], [, b]) => b - a);
  const told = files.slice(0, 15).map(([name, ms]) => `${name} ${Math.round(ms / 1_000)} s`);
  return files.length > 1 ? `: ${told.join(', ')}` : '';
}

function fail(title, said) {
  total.failed += 1;
  failures.push({ title, said });
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
