import { expect } from 'chai';

import { RawAmqp } from '../support/amqp.js';
import { parseMetrics } from '../support/prometheus.js';
import { until } from '../support/wait.js';
import { Traffic } from '../cluster/traffic.js';
import type { TaskView } from '../support/deployment.js';
import { BrokerWorld } from './broker-world.js';

const WHILE_AWAY = 200;
const AFTERWARDS = 5;
/** A queue without a worker: what is in it stays. */
const UNSERVED = 'unserved';

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

  it('for long keeps nobody from being accepted, and what came meanwhile is done', async () => {
    await world.rabbit.kill9();
    await until('it is missed', async () => (await world.status()).brokerConnection.state === 'connecting');
    const tasks = await world.submitMany(WHILE_AWAY);
    await world.allComplete(tasks.slice(0, WHILE_AWAY / 2));
    await world.rabbit.start();
    await world.healthy();
    await world.allComplete(tasks);
  });

  it('for long has its hints dropped and counted: the API keeps none of them, and sends none late', async () => {
    await world.roles.beat.kill('SIGTERM'); // nobody else hints at tasks that nobody has reserved anything for
    await world.rabbit.kill9();
    await until('it is missed', async () => (await world.status()).brokerConnection.state === 'connecting');
    const before = await deferred();
    const during = await unserved(WHILE_AWAY);
    await until('each hint is counted', async () => (await deferred()) >= before + WHILE_AWAY);
    expect(await deferred()).to.equal(before + WHILE_AWAY);
    await world.rabbit.start();
    await until('the API is connected', async () => (await world.status()).brokerConnection.connected, { timeoutMs: 120_000 });
    const after = await unserved(AFTERWARDS);
    const raw = await RawAmqp.connect(world.deployment.env.INTERLOCK_AMQP_URL);
    try {
      const hints = async (): Promise<number> => (await raw.depth(world.named(`work.${UNSERVED}`)))?.messages ?? 0;
      // What it had kept would have gone out before these, on the same channel.
      await until('those of later tasks are there', async () => (await hints()) >= AFTERWARDS);
      expect(await hints(), 'hints of later tasks').to.equal(AFTERWARDS);
      expect(await deferred()).to.equal(before + WHILE_AWAY);
    } finally {
      await raw.close();
    }
    world.deployment.start('beat');
    world.deployment.start('worker', ['-n', 'w2', '-c', '2', '-Q', UNSERVED]);
    await world.allComplete([...during, ...after]);
  });

  async function unserved(count: number): Promise<TaskView[]> {
    const tasks: TaskView[] = [];
    for (let n = 0; n < count; n++)
      tasks.push(
        await world.deployment.submit({
          name: 'test.evidence',
          queue: UNSERVED,
          kwargs: { file: world.file, label: `u${n}`, ms: 1 },
        }),
      );
    return tasks;
  }

  /** Messages that the API has dropped. */
  async function deferred(): Promise<number> {
    const text = await (await fetch(`${world.deployment.url}/metrics`)).text();
    const samples = parseMetrics(text).get('interlock_messages_deferred_total')?.samples ?? [];
    return samples.find(({ labels }) => labels.role === 'api')?.value ?? 0;
  }
});
