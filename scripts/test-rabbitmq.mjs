// npm run test:rabbitmq [-- VERSION...]: the contract suite of the broker and its faults before RabbitMQ of other Debian suites than this machine's, fetched from
// Debian's packages into .interlock/servers (no root, nothing installed; some 60 MB and 30 s each, once). VERSION is a suite, `3` or `4`; all
// without one. To run other tests so: INTERLOCK_SERVERS_RABBITMQ_SUITE=sid npm test -- integration. Ends with `N passed, N failed` over all.
import { spawn } from 'node:child_process';
import { root } from './prepare.mjs';

/** Major version by suite. Versions within a suite move with its updates: each run prints what it has. */
const SUITES = { bookworm: '3', trixie: '4', sid: '4' };
const TESTS = ['test/contract/broker/**/*.test.ts', 'test/faults/mute-queue.test.ts', 'test/faults/server-faults.test.ts'];

const words = process.argv.slice(2);
const chosen = Object.keys(SUITES).filter(suite => words.length === 0 || words.includes(suite) || words.includes(SUITES[suite]));
const unknown = words.find(word => !(word in SUITES) && !Object.values(SUITES).includes(word));
if (unknown !== undefined) {
  const known = [...Object.keys(SUITES), ...new Set(Object.values(SUITES))];
  process.stderr.write(`error: "${unknown}" is none of ${known.join(', ')}\nusage: npm run test:rabbitmq [-- VERSION...]\n`);
  process.exit(2);
}

const total = { passed: 0, failed: 0 };
const lines = [];
let stopped = false;
for (const suite of chosen) {
  if (stopped) break;
  const output = await test(suite);
  const [, passed, failed] = /^(\d+) passed, (\d+) failed\s*$/m.exec(output) ?? [undefined, 0, 1]; // one that cannot start has failed
  total.passed += Number(passed);
  total.failed += Number(failed);
  const version = /^RabbitMQ (\S+) \(.*?\) on port/m.exec(output)?.[1] ?? 'did not start';
  const origin = /^RabbitMQ of (.*)$/m.exec(output)?.[1] ?? `Debian ${suite}`;
  lines.push(`RabbitMQ ${version}: ${passed} passed, ${failed} failed (${origin})`);
}
process.stdout.write(`\n${lines.join('\n')}\n\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** Shows all that it writes, and resolves with it. */
function test(suite) {
  return new Promise((resolve, reject) => {
    const named = ['INTERLOCK_TEST_AMQP_URL', 'INTERLOCK_AMQP_URL']; // would be taken
    const env = {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !named.includes(name))),
      INTERLOCK_SERVERS_RABBITMQ_SUITE: suite,
      INTERLOCK_TEST_MONGO_URL: 'mongodb://not-needed.invalid', // and is not started either
    };
    const child = spawn(process.execPath, ['scripts/test.mjs', ...TESTS], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const signal = name => {
      stopped = true;
      child.kill(name);
    };
    for (const name of ['SIGINT', 'SIGTERM']) process.once(name, signal);
    let output = '';
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8').on('data', text => {
        output += text;
        process[stream].write(text);
      });
    }
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
}
