import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { provideCluster, type ProvidedCluster } from '../../src/servers/cluster.js';
import type { MongoServer } from '../../src/servers/servers.js';
import { Deployment, type TaskView } from '../support/deployment.js';
import { overlaps, readSpans } from '../support/evidence.js';
import { testServers } from '../support/servers.js';
import { until } from '../support/wait.js';

/**
 * Nobody follows the primary any more, as when it was cut off and has not noticed yet: it takes writes and applies them, and no majority ever confirms one.
 * Here its followers stop to fetch, so that this lasts as long as the test needs.
 */
describe('a primary whose writes no majority confirms', function () {
  this.timeout(300_000);
  let cluster: ProvidedCluster;
  let deployment: Deployment;

  before(async () => {
    const directory = fileURLToPath(new URL('../../.interlock', import.meta.url));
    cluster = await provideCluster({ directory, need: { mongo: true, amqp: false }, testCommands: true }, 3);
    deployment = await Deployment.create({ servers: { mongoUrl: cluster.mongoUrl!, amqpUrl: testServers().amqpUrl } });
  });
  after(async () => {
    await follow(true);
    await deployment.destroy();
    await cluster.stop();
  });

  const file = (): string => join(deployment.directory, 'evidence');
  const labels = (): string[] => readSpans(file()).map(span => span.label);
  const submit = (label: string, exclusive: string[], ms: number): Promise<TaskView> =>
    deployment.submit({ name: 'test.evidence', exclusive, kwargs: { file: file(), label, ms } });

  /** Whether those that are not primary fetch what it writes. */
  async function follow(on: boolean): Promise<void> {
    for (const member of cluster.mongo) if (!(await member.isPrimary())) await failpoint(member, on ? 'off' : 'alwaysOn');
  }

  async function failpoint({ port }: MongoServer, mode: string): Promise<void> {
    const client = await MongoClient.connect(`mongodb://127.0.0.1:${port}/?directConnection=true`);
    await client.db('admin').command({ configureFailPoint: 'stopReplProducer', mode });
    await client.close();
  }

  it('starts nothing and accepts nothing, and all that was accepted ends once it is confirmed again', async () => {
    const { workers } = await deployment.startAll([['-n', 'w1', '-c', '2']]);
    const plain = { name: 'test.evidence', countdown: 6 };
    const holder = await submit('holder', ['r'], 3_000);
    await until('it runs', () => labels().includes('holder'));
    const next = await submit('next', ['r'], 50);
    const later = await deployment.submit({ ...plain, kwargs: { file: file(), label: 'later', ms: 50 } });
    await follow(false);

    const refused = await deployment.request('POST', '/api/v1/tasks', {
      ...plain,
      kwargs: { file: file(), label: 'unsure', ms: 1 },
    });
    expect([refused.status, refused.body.code], 'not accepted').to.deep.equal([503, 'STORE_UNAVAILABLE']);
    expect(refused.body.detail, 'nor denied').to.include('may have happened');
    await until('the worker has fenced itself', () => workers[0]!.output.includes('Self-fence'), { timeoutMs: 60_000 });
    const due = Date.parse(later.createdAt) + 6_000 + 5_000;
    await until('what waits is long due', () => Date.now() > due);
    expect(labels(), 'nothing has begun meanwhile').to.deep.equal(['holder']);

    await follow(true);
    for (const { id } of [next, later])
      expect(await deployment.final(id, 120_000)).to.include({ state: 'completed', attempt: 1 });
    const ended = await deployment.final(holder.id, 120_000);
    expect(`${ended.state} ${ended.reason}`).to.be.oneOf(['completed null', 'canceled worker-lost']);
    const asked = ['holder', 'next'].map(label => ({ label, exclusive: ['r'], shared: [] }));
    expect(overlaps(readSpans(file()), asked)).to.deep.equal([]);
    expect(labels().filter(label => label === 'unsure').length, 'of unclear fate: at most once').to.be.at.most(1);
  });
});
