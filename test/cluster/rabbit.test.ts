import { expect } from 'chai';
import { fileURLToPath } from 'node:url';

import { provideCluster, type ProvidedCluster } from '../../src/servers/cluster.js';
import type { RabbitServer } from '../../src/servers/servers.js';
import { Deployment, freePort, type Role } from '../support/deployment.js';
import { testServers } from '../support/servers.js';
import { until } from '../support/wait.js';
import { startTwoOfEach, Traffic } from './traffic.js';

const NODES = 3;
const HINTED = ['resource-manager', 'work.default', 'worker.w1', 'worker.w2'];

interface QueueRow {
  name: string;
  leader: string;
  members: string[];
  online: string[];
  consumers: number;
}

describe('a RabbitMQ cluster of three nodes', function () {
  this.timeout(300_000);
  let cluster: ProvidedCluster;
  let deployment: Deployment;
  let traffic: Traffic;
  let roles: Role[];

  before(async () => {
    const directory = fileURLToPath(new URL('../../.interlock', import.meta.url));
    cluster = await provideCluster({ directory, need: { mongo: false, amqp: true } }, NODES);
    deployment = await Deployment.create({ servers: { mongoUrl: testServers().mongoUrl, amqpUrl: cluster.amqpUrl! } });
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

  it('has a member of every queue on every node', async () => {
    for (const queue of await queues()) expect(queue.members, queue.name).to.have.length(NODES);
  });

  it('goes on when the node that leads the busiest queue is killed, and when it comes back', async () => {
    const node = nodeNamed((await queue('work.default')).leader);
    await node.kill9();
    await traffic.goesOn(50);
    await node.start();
    await allMembersOnline();
    await traffic.goesOn(50);
  });

  it('goes on when a node that follows is killed, and when it comes back', async () => {
    const { leader } = await queue('work.default');
    const node = cluster.rabbit.find(each => each.nodename !== leader)!;
    await node.kill9();
    await traffic.goesOn(50);
    await node.start();
    await allMembersOnline();
    await traffic.goesOn(50);
  });

  it('is consumed by all roles in the end', async () => {
    await until(
      'each queue has its consumers',
      async () => {
        const rows = await queues();
        return HINTED.every(name => rows.some(row => row.name === prefixed(name) && row.consumers > 0));
      },
      { timeoutMs: 60_000, everyMs: 1_000 },
    );
  });

  it('has cost no task, no order and no process', async () => {
    await traffic.drained();
    const { tasks, completed } = await traffic.judge();
    expect(completed, 'no worker was ever lost').to.equal(tasks);
    expect(roles.filter(role => !role.running).map(role => role.name)).to.deep.equal([]);
  });

  function prefixed(name: string): string {
    return `${deployment.env.INTERLOCK_AMQP_PREFIX ?? ''}${name}`;
  }

  function nodeNamed(name: string): RabbitServer {
    return cluster.rabbit.find(node => node.nodename === name)!;
  }

  async function queues(): Promise<QueueRow[]> {
    const node = cluster.rabbit.find(each => each.ended() === undefined)!;
    const columns = ['name', 'type', 'leader', 'members', 'online', 'consumers'];
    const rows = JSON.parse(await node.ctl(['list_queues', '-q', '--formatter', 'json', ...columns])) as (QueueRow & {
      type: string;
    })[];
    return rows.filter(row => row.type === 'quorum');
  }

  async function queue(name: string): Promise<QueueRow> {
    return until(`the queue ${name}`, async () => (await queues()).find(row => row.name === prefixed(name)));
  }

  async function allMembersOnline(): Promise<void> {
    await until('all members are online', async () => (await queues()).every(row => row.online.length === NODES), {
      timeoutMs: 60_000,
      everyMs: 1_000,
    });
  }
});
