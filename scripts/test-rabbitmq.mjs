// npm run test:rabbitmq [-- VERSION...]: the contract suite of the broker and its faults before RabbitMQ of other Debian suites than this machine's, fetched from
// Debian's packages into .interlock/servers (no root, nothing installed; some 60 MB and 30 s each, once). VERSION is a suite, `3` or `4`; all
// without one. To run other tests so: INTERLOCK_SERVERS_RABBITMQ_SUITE=sid npm test -- integration. Ends with `N passed, N failed` over all.
import { runTests, stopped, sumUp } from './run-tests.mjs';

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

const runs = [];
for (const suite of chosen) if (!stopped) runs.push(await test(suite));
sumUp(runs);

async function test(suite) {
  const named = ['INTERLOCK_TEST_AMQP_URL', 'INTERLOCK_AMQP_URL']; // would be taken
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !named.includes(name))),
    INTERLOCK_SERVERS_RABBITMQ_SUITE: suite,
    INTERLOCK_TEST_MONGO_URL: 'mongodb://not-needed.invalid', // and is not started either
  };
  const run = await runTests(TESTS, env);
  const version = /^RabbitMQ (\S+) \(.*?\) on port/m.exec(run.stderr)?.[1] ?? 'did not start';
  const origin = /^RabbitMQ of (.*)$/m.exec(run.stderr)?.[1] ?? `Debian ${suite}`;
  return { title: `RabbitMQ ${version}`, ...run, about: ` (${origin})` };
}
