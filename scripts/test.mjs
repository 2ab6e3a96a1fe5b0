// npm test [-- STAGE...]: builds, checks the code, then runs the tests in lanes, on servers of its own where they need some. A stage is `check`, a folder
// of test/ (unit, simulation, contract, integration; slow, which is no part of it unless named), or a path of a test file.
// Ends with `N passed, N failed` over all of them; each check counts as one. Before that it names what this machine cannot run, as `N pending`.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { root, runStep } from './prepare.mjs';
import { withoutSettings, withServers } from './run-servers.mjs';

/** Two lanes of about the same length. */
const CHECKS = [['lint'], ['format', 'types', 'imports', 'dead']];
/** These need no server. */
const ALONE = ['unit', 'simulation'];
const FOLDERS = [...ALONE, 'contract', 'integration', 'slow'];
const STAGES = ['check', ...FOLDERS];
/** Into how many parts a folder's files are dealt out; whichever lane is free takes the next part. */
const PARTS = { unit: 1, simulation: 1, contract: 5, integration: 5, slow: 4 };
/** Three keep two cores busy: tests mostly wait for processes that start, and for the database (docs/decisions/tests.md). */
const LANES = 3;
/** No stage takes half as long on the slowest machine seen; a test that hangs must not hang the run. */
const STAGE_MS = Number(process.env.INTERLOCK_TEST_STAGE_MINUTES ?? 40) * 60_000;
/** Where others than root may mount something that nobody else sees. */
const NAMESPACE = ['unshare', '--user', '--map-root-user', '--mount'];
/** Mocha's command hands no other signal on to the process that runs the tests. */
const END = 'SIGINT';

const total = { passed: 0, failed: 0 };
/** What failed, told again at the end: a run prints thousands of lines, and a log of it may be cut. */
const failures = [];
/** What could not be run here, with the reason in its title: it has not passed. */
const pending = [];
const running = new Set();
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    total.failed += 1; // what was cut short has not passed
    stopped = true;
    stages.length = 0;
    for (const child of running) child.kill(END);
  });
}

let stages = process.argv.length > 2 ? process.argv.slice(2) : STAGES.filter(stage => stage !== 'slow');
await runStep(async () => {
  // A pattern of paths is taken as it is.
  const unknown = stages.find(stage => !STAGES.includes(stage) && !existsSync(stage) && !stage.includes('*'));
  if (unknown !== undefined) {
    process.stderr.write(`error: "${unknown}" is neither one of ${STAGES.join(', ')} nor a file\n`);
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
  for (const title of pending) process.stdout.write(`\nPENDING  ${title}\n`);
  if (pending.length > 0) process.stdout.write(`\n${pending.length} pending: not run on this machine, so not shown\n`);
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
  process.exitCode = total.failed === 0 ? 0 : 1;
});

/** Servers are started only where a stage needs them, and meanwhile the code is checked: half of their start is waiting. */
async function runStages() {
  const checked = take(['check']).length > 0 ? check() : undefined;
  const folders = take(FOLDERS).sort((a, b) => FOLDERS.indexOf(a) - FOLDERS.indexOf(b));
  const files = stages;
  const parts = env => folders.flatMap(folder => partsOf(folder, ALONE.includes(folder) ? withoutSettings(process.env) : env));
  const afterCheck = async all => {
    await checked;
    await inLanes(all);
  };
  if (files.length === 0 && folders.every(folder => ALONE.includes(folder))) return afterCheck(parts());
  try {
    await withServers(env => afterCheck([...parts(env), ...files.map(file => ({ title: file, specs: [file], env }))]));
  } finally {
    await checked; // also where the servers did not start
  }
}

function take(names) {
  const taken = stages.filter(stage => names.includes(stage));
  stages = stages.filter(stage => !names.includes(stage));
  return taken;
}

function partsOf(folder, env) {
  const count = PARTS[folder];
  if (count === 1) return [{ title: folder, specs: [`test/${folder}/**/*.test.ts`], env }];
  const files = readdirSync(join(root, 'test', folder), { recursive: true }).filter(file => file.endsWith('.test.ts'));
  const specs = Array.from({ length: count }, () => []);
  files.sort().forEach((file, index) => specs[index % count].push(join('test', folder, file)));
  return specs.map((each, index) => ({ title: `${folder} ${index + 1}/${count}`, specs: each, env }));
}

/** A single part says what it does as it goes. */
async function inLanes(parts) {
  const queue = parts.values();
  const lane = async () => {
    for (const part of queue) if (!stopped) await mocha(part, parts.length > 1);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
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

/** What one of several says comes when it has ended, with a line when it begins. */
async function mocha({ title, specs, env }, inLane) {
  process.stdout.write(inLane ? `${title} ...\n` : `\n=== ${title}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'interlock-test-'));
  const file = join(folder, 'counts.json');
  const reporting = [process.execPath, join(root, 'node_modules/mocha/bin/mocha.js'), '--reporter', 'test/support/reporter.ts'];
  const [command, ...args] = [...(mounts(specs) ? NAMESPACE : []), ...reporting, ...specs];
  const output = inLane ? openSync(join(folder, 'output'), 'a+') : undefined;
  const began = Date.now();
  const ok = await run(command, args, { ...env, INTERLOCK_TEST_COUNTS: file }, output);
  if (output !== undefined) {
    process.stdout.write(`\n=== ${title}\n${readFileSync(join(folder, 'output'), 'utf8')}`);
    closeSync(output);
  }
  const counts = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { passed: 0, failed: 0, failures: [], pending: [], tookMs: {} };
  rmSync(folder, { recursive: true });
  process.stdout.write(`=== ${title} took ${Math.round((Date.now() - began) / 1_000)} s${slowest(counts.tookMs)}\n`);
  total.passed += counts.passed;
  total.failed += counts.failed;
  failures.push(...counts.failures);
  pending.push(...counts.pending);
  if (!ok && counts.failed === 0)
    fail(title, 'no test failed, but the run ended badly: it could not load, was killed, or did not exit by itself');
}

/** Whether these tests mount a disk, and whoever runs them can do so in a namespace alone. */
function mounts(specs) {
  const uses = spec => existsSync(spec) && readFileSync(spec, 'utf8').includes('onSmallDisk(');
  if (process.getuid?.() === 0 || !specs.some(uses)) return false;
  const [command, ...args] = NAMESPACE;
  return spawnSync(command, [...args, 'true'], { stdio: 'ignore' }).status === 0;
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
