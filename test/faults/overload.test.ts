import { expect } from 'chai';

import { startScript, type Running } from '../support/command.js';
import { testServers } from '../support/servers.js';

/** Short: that no harm is done is what `npm run bench -- overload` shows in ten minutes. */
const ARGS = ['overload', '--seconds', '10', '--runs', '1', '--json'];

describe('A load that hurts', () => {
  let running: Running | undefined;
  after(async () => {
    running?.child.kill('SIGTERM');
    await running?.ended;
  });

  it('is twice what a deployment can do, and ends well only when that does no harm', async () => {
    const { mongoUrl, amqpUrl } = testServers();
    const env = { INTERLOCK_TEST_MONGO_URL: mongoUrl, INTERLOCK_TEST_AMQP_URL: amqpUrl, INTERLOCK_TEST_MONGO_KIND: 'native' };
    running = startScript('test/bench/bench.ts', ARGS, { env });
    const { code, stdout, stderr } = await running.ended;
    expect(code, stderr).to.equal(0);
    const { results } = JSON.parse(stdout) as { results: Record<string, unknown>[] };
    expect(results.map(each => each.case)).to.deep.equal(['load', 'api', 'resource-manager', 'beat', 'worker 1', 'worker 2']);
    expect(results[0]).to.deep.include({ failed: [], lost: 0 });
    for (const figure of ['accepted', 'rateLimited', 'overloaded']) expect(results[0]![figure], figure).to.be.above(0);
  }).timeout(600_000);
});
