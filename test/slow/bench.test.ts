import { expect } from 'chai';

import { startScript, type Ended, type Running } from '../support/command.js';
import { testServers } from '../support/servers.js';

interface Report {
  scenario: string;
  mongo: string;
  results: Record<string, unknown>[];
}

type Small = [scenario: string, ...args: string[]];
/** As small as they can be: that the bench works is tested, not what it measures. Two rows side by side, since each mostly waits for its roles. */
const ROWS: Small[][] = [
  [
    ['seed', '--workers', '2', '--tasks', '6'],
    ['enqueue', '--tasks', '40'],
    ['latency', '--tasks', '3'],
    ['schedules', '--tasks', '20', '--sizes', '30'],
  ],
  [
    ['plain', '--tasks', '20', '--warm-up', '5', '--slots', '2'],
    ['grants', '--tasks', '300'],
    ['backlog', '--tasks', '10', '--sizes', '20'],
    ['purge', '--tasks', '600'],
  ],
];

describe('npm run bench', () => {
  const running = new Set<Running>();
  const ended = new Map<string, Promise<Ended>>();
  let stopping = false;

  before(() => {
    const { mongoUrl, amqpUrl } = testServers();
    const env = { INTERLOCK_TEST_MONGO_URL: mongoUrl, INTERLOCK_TEST_AMQP_URL: amqpUrl, INTERLOCK_TEST_MONGO_KIND: 'native' };
    const run = async (args: Small): Promise<Ended> => {
      if (stopping) throw new Error('The tests are over.');
      const bench = startScript('test/bench/bench.ts', [...args, '--runs', '1', '--json'], { env });
      running.add(bench);
      return bench.ended.finally(() => running.delete(bench));
    };
    for (const row of ROWS) {
      let last: Promise<unknown> = Promise.resolve();
      for (const small of row) {
        const next = last.then(() => run(small));
        last = next.catch(() => undefined); // whoever waits for it hears of it
        ended.set(small[0], next);
      }
    }
  });

  after(async () => {
    stopping = true;
    for (const { child } of running) child.kill('SIGTERM');
    await Promise.allSettled(ended.values());
  });

  for (const [scenario] of ROWS.flat()) {
    it(`measures ${scenario}, and counts what its tasks cost`, async () => {
      const { code, stdout, stderr } = await ended.get(scenario)!;
      expect(code, stderr).to.equal(0);
      const report = JSON.parse(stdout) as Report;
      expect(report).to.include({ scenario, mongo: 'native' });
      for (const result of report.results) {
        expect(result).to.include.keys('case', 'spread', 'commandsPerTask', 'cost', 'cpus');
        // What a beat does counts as upkeep, so that these have a figure of their own.
        expect(scenario === 'schedules' ? result.beatCommandsPerSlot : result.commandsPerTask).to.be.above(0);
      }
    }).timeout(300_000);
  }

  it('refuses what it does not understand', async () => {
    const { code, stderr } = await startScript('test/bench/bench.ts', ['seed', '--workers', 'many']).ended;
    expect(code).to.equal(2);
    expect(stderr).to.include('error: --workers must be made of whole numbers from 1 to 512, not "many"').and.include('Usage:');
  }).timeout(60_000);
});
