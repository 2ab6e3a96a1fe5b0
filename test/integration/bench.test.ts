import { expect } from 'chai';

import { startScript, type Running } from '../support/command.js';
import { testServers } from '../support/servers.js';

interface Report {
  scenario: string;
  mongo: string;
  results: Record<string, unknown>[];
}

/** As small as they can be: that the bench works is tested, not what it measures. */
const SMALL: Record<string, string[]> = {
  seed: ['--workers', '2', '--tasks', '6'],
  plain: ['--tasks', '20', '--warm-up', '5', '--slots', '2'],
  latency: ['--tasks', '3'],
};

describe('npm run bench', () => {
  const running = new Map<string, Running>();

  before(() => {
    const { mongoUrl, amqpUrl } = testServers();
    const env = { INTERLOCK_TEST_MONGO_URL: mongoUrl, INTERLOCK_TEST_AMQP_URL: amqpUrl, INTERLOCK_TEST_MONGO_KIND: 'native' };
    // Side by side: each mostly waits for its roles to start.
    for (const [scenario, args] of Object.entries(SMALL)) {
      running.set(scenario, startScript('test/bench/bench.ts', [scenario, ...args, '--runs', '1', '--json'], { env }));
    }
  });

  after(async () => {
    for (const { child } of running.values()) child.kill('SIGTERM');
    await Promise.all([...running.values()].map(({ ended }) => ended));
  });

  for (const scenario of Object.keys(SMALL)) {
    it(`measures ${scenario}, and counts what its tasks cost`, async () => {
      const { code, stdout, stderr } = await running.get(scenario)!.ended;
      expect(code, stderr).to.equal(0);
      const report = JSON.parse(stdout) as Report;
      expect(report).to.include({ scenario, mongo: 'native' });
      for (const result of report.results) {
        expect(result).to.include.keys('case', 'p50Ms', 'p99Ms', 'commandsPerTask', 'cost', 'cpus');
        expect(result.commandsPerTask).to.be.above(0.1);
      }
    }).timeout(300_000);
  }

  it('refuses what it does not understand', async () => {
    const { code, stderr } = await startScript('test/bench/bench.ts', ['seed', '--workers', 'many']).ended;
    expect(code).to.equal(2);
    expect(stderr).to.include('error: --workers must be made of whole numbers from 1 to 512, not "many"').and.include('Usage:');
  }).timeout(60_000);
});
