import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import { join } from 'node:path';

import { Deployment } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { testServers } from '../support/servers.js';
import { until } from '../support/wait.js';

/** Longer than a worker lives without a heartbeat at these timings (4 s). */
const SLOW_MS = 5_000;

describe('queries that take five seconds each', function () {
  this.timeout(180_000);
  let deployment: Deployment;
  let admin: MongoClient;

  before(async () => {
    deployment = await Deployment.create();
    admin = await MongoClient.connect(testServers().mongoUrl);
  });
  after(async () => {
    await failpoint('off');
    await admin.close();
    await deployment.destroy();
  });

  const failpoint = (mode: string): Promise<unknown> =>
    admin.db('admin').command({
      configureFailPoint: 'failCommand',
      mode,
      ...(mode !== 'off' && {
        data: { failCommands: ['find', 'aggregate'], blockConnection: true, blockTimeMS: SLOW_MS, appName: 'w1' },
      }),
    });

  it('do not hold up the heartbeats of the worker that asks them, nor end what it runs', async () => {
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '3']]);
    const file = join(deployment.directory, 'evidence');
    const submit = (label: string, ms: number) => deployment.submit({ name: 'test.evidence', kwargs: { file, label, ms } });
    const long = await submit('long', 600_000);
    await until('it runs', () => readSpans(file).length === 1);
    const record = async () =>
      (await deployment.db.collection<{ _id: string; beat: number; incarnation: string }>('processes').findOne({ _id: 'w1' }))!;
    const before = await record();
    await failpoint('alwaysOn');
    for (let n = 0; n < 20; n++) await submit(`short-${n}`, 1); // each wakes it up, and has it ask
    await until('fifteen heartbeats have come', async () => (await record()).beat >= before.beat + 15, { timeoutMs: 60_000 });
    expect((await record()).incarnation).to.equal(before.incarnation);
    expect(await deployment.task(long.id)).to.include({ state: 'running', attempt: 1 });
    expect(workers[0]!.output).to.not.contain('Self-fence');
    await failpoint('off');
    await until('the short ones have run', () => readSpans(file).filter(span => span.ended).length === 20, { timeoutMs: 60_000 });
  });
});
