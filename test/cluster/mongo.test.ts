import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import { fileURLToPath } from 'node:url';

import { provideCluster, type ProvidedCluster } from '../../src/servers/cluster.js';
import type { MongoServer } from '../../src/servers/servers.js';
import { Deployment, freePort, type Role } from '../support/deployment.js';
import { testServers } from '../support/servers.js';
import { until } from '../support/wait.js';
import { startTwoOfEach, Traffic } from './traffic.js';

const MEMBERS = 3;

describe('a replica set of three members', function () {
  this.timeout(300_000);
  let cluster: ProvidedCluster;
  let deployment: Deployment;
  let traffic: Traffic;
  let roles: Role[];

  before(async () => {
    const directory = fileURLToPath(new URL('../../.interlock', import.meta.url));
    cluster = await provideCluster({ directory, need: { mongo: true, amqp: false } }, MEMBERS);
    // Real timings: an election takes more than 10 s, which a worker has to outlive.
    deployment = await Deployment.create({
      timingScale: 1,
      servers: { mongoUrl: cluster.mongoUrl!, amqpUrl: testServers().amqpUrl },
    });
    const { port } = new URL(deployment.url);
    const ports = [Number(port), await freePort()];
    roles = await startTwoOfEach(deployment, ports);
    traffic = new Traffic(
      deployment,
      ports.map(each => `http://127.0.0.1:${each}`),
    );
    traffic.start();
    await traffic.goesOn(50);
  });
  after(async () => {
    await deployment.destroy();
    await cluster.stop();
  });

  it('goes on when the primary is killed, and when it comes back', async () => {
    const killed = await primary();
    await killed.kill9();
    await traffic.goesOn(50);
    await killed.start();
    await traffic.goesOn(50);
  });

  it('goes on when the primary steps down', async () => {
    const stepped = await primary();
    const client = await MongoClient.connect(`mongodb://127.0.0.1:${stepped.port}/?directConnection=true`);
    await client.db('admin').command({ replSetStepDown: 30, secondaryCatchUpPeriodSecs: 5 });
    await client.close();
    expect((await primary()).port).to.not.equal(stepped.port);
    await traffic.goesOn(50);
  });

  it('has cost no task, no order and no process', async () => {
    await traffic.drained();
    const { tasks } = await traffic.judge();
    expect(tasks).to.be.at.least(200);
    expect(roles.filter(role => !role.running).map(role => role.name)).to.deep.equal([]);
    await deployment.healthy();
  });

  function primary(): Promise<MongoServer> {
    return until(
      'a primary',
      async () => {
        const living = cluster.mongo.filter(member => member.ended() === undefined);
        const answers = await Promise.all(living.map(member => member.isPrimary()));
        return living.find((_, index) => answers[index]);
      },
      { timeoutMs: 60_000, everyMs: 200 },
    );
  }
});
