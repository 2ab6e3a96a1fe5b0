import { expect } from 'chai';
import { readFileSync } from 'node:fs';

import { until } from '../support/wait.js';
import { Traffic } from '../cluster/traffic.js';
import { BrokerWorld } from './broker-world.js';

const WHILE_AWAY = 200;
/** What an API keeps of 200 requests is nothing; a heap that had no reason to be collected grows by some tens of MiB. */
const GROWTH_MIB = 100;

describe('a broker that goes away under load', function () {
  this.timeout(300_000);
  let world: BrokerWorld;
  let traffic: Traffic;
  before(async () => {
    world = await BrokerWorld.open();
    traffic = new Traffic(world.deployment, [world.deployment.url]);
    traffic.start();
    await traffic.goesOn(20);
  });
  after(() => world.close());

  /** Before it comes back everybody has noticed, and more has been asked for and has ended. */
  async function noticed(): Promise<void> {
    await until('it is missed', async () => (await world.status()).brokerConnection.state === 'connecting', {
      timeoutMs: 60_000,
    });
    await traffic.goesOn(10);
  }

  async function goesOn(): Promise<void> {
    await world.healthy();
    const queues = ['resource-manager', 'work.default', 'worker.w1'].map(queue => world.named(queue));
    await until(
      'all are consumed',
      async () => {
        const lines = (await world.rabbit.ctl(['list_queues', '-q', '--no-table-headers', 'name', 'consumers'])).split('\n');
        const counts = new Map(lines.map(line => line.split('\t') as [string, string]));
        return queues.every(queue => Number(counts.get(queue) ?? 0) > 0);
      },
      { timeoutMs: 60_000, everyMs: 1_000 },
    );
    await traffic.goesOn(20);
  }

  it('to be started again in order is gone on with', async () => {
    await world.rabbit.restart();
    await goesOn();
  });

  it('by a kill is gone on with', async () => {
    await world.rabbit.kill9();
    await noticed();
    await world.rabbit.start();
    await goesOn();
  });

  it('by a freeze is noticed and gone on with', async () => {
    world.rabbit.signal('SIGSTOP');
    try {
      await noticed();
    } finally {
      world.rabbit.signal('SIGCONT');
    }
    await goesOn();
  });

  it('has cost no task, no order and no process', async () => {
    await traffic.drained();
    const { tasks, completed } = await traffic.judge();
    expect(completed, 'no worker was ever lost').to.equal(tasks);
    expect(Object.values(world.roles).filter(role => !role.running)).to.deep.equal([]);
  });

  it('for long keeps nobody from being accepted, nothing is kept in memory for it, and what came meanwhile is done', async () => {
    const { api } = world.roles;
    await world.rabbit.kill9();
    await until('it is missed', async () => (await world.status()).brokerConnection.state === 'connecting');
    const before = residentMiB(api.pid);
    const tasks = await world.submitMany(WHILE_AWAY);
    expect(residentMiB(api.pid) - before).to.be.below(GROWTH_MIB);
    await world.rabbit.start();
    await world.healthy();
    await world.allComplete(tasks);
  });
});

function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) / 1_024;
}
