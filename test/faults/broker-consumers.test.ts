import { expect } from 'chai';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { createAmqpBroker, type AmqpBroker } from '../../src/broker/amqp/broker.js';
import { DEFAULT_AMQP_TIMING, type BrokerLog } from '../../src/broker/amqp/options.js';
import { provideServers, type ProvidedServers, type RabbitServer } from '../../src/servers/servers.js';
import { Inbox, isConsuming, isUp, start } from '../contract/broker/support.js';
import { RawAmqp } from '../support/amqp.js';
import { Deployment } from '../support/deployment.js';
import { readSpans } from '../support/evidence.js';
import { testServers } from '../support/servers.js';
import { until } from '../support/wait.js';

const DIRECTORY = fileURLToPath(new URL('../../.interlock', import.meta.url));
/** Of a delivery that is not acknowledged; 30 minutes where nobody changes it. */
const CONSUMER_TIMEOUT_MS = 4_000;
const LONG_MS = 2 * CONSUMER_TIMEOUT_MS;
const DEATHS = 25;

describe('on a RabbitMQ of little patience', function () {
  this.timeout(240_000);
  let servers: ProvidedServers;
  let rabbit: RabbitServer;
  before(async () => {
    servers = await provideServers({ directory: DIRECTORY, need: { mongo: false, amqp: true } });
    rabbit = servers.rabbit!;
    for (const [key, value] of [
      ['consumer_timeout', CONSUMER_TIMEOUT_MS],
      ['channel_tick_interval', 1_000],
    ])
      await rabbit.ctl(['eval', `application:set_env(rabbit, ${key}, ${value}).`]);
  });
  after(() => servers.stop());

  describe('a consumer', () => {
    let broker: AmqpBroker;
    let causes: string[];
    beforeEach(async () => {
      causes = [];
      const note = (_message: string, { cause }: Record<string, unknown> = {}): void => void causes.push(String(cause));
      const log: BrokerLog = { error: note, warn: note, info: () => undefined, debug: () => undefined };
      const timing = { ...DEFAULT_AMQP_TIMING, backoffMaxMs: 1_000 };
      broker = createAmqpBroker({ url: rabbit.url, name: 'test', random: Math.random, log }, timing);
      await broker.start();
      await isUp(broker);
    });
    afterEach(() => broker.close());

    it('that keeps a delivery too long loses its channel alone, has another one, and gets the delivery again', async () => {
      const slow = { to: 'queue', queue: 'slow' } as const;
      const other = new Inbox({ ack: true });
      const inbox = new Inbox({ ack: false });
      broker.consume(slow, 1, inbox.take);
      broker.consume({ to: 'queue', queue: 'other' }, 1, other.take);
      await isConsuming(broker, 'work.slow');
      await isConsuming(broker, 'work.other');
      await broker.publish(start(1), slow);
      await until('its channel to be closed', () => causes.some(cause => cause.includes('406')), { timeoutMs: 60_000 });
      await isConsuming(broker, 'work.slow');
      await until('the delivery again', () => inbox.deliveries.length >= 2);
      inbox.deliveries.at(-1)!.ack();
      expect(broker.status()).to.include({ reconnects: 0 });
      expect(await broker.publish(start(2), { to: 'queue', queue: 'other' })).to.equal('confirmed');
      await other.has(1);
    });

    it('whose queue is gone and may not be declared says so and tries on, until it may', async () => {
      const { username } = new URL(rabbit.url);
      const permit = (configure: string): Promise<string> =>
        rabbit.ctl(['set_permissions', '-p', '/', username, configure, '.*', '.*']);
      const gone = { to: 'queue', queue: 'gone' } as const;
      const inbox = new Inbox({ ack: true });
      broker.consume(gone, 1, inbox.take);
      await isConsuming(broker, 'work.gone');
      await permit('^$');
      try {
        await rabbit.ctl(['delete_queue', 'work.gone']);
        await until('several tries', () => causes.filter(cause => cause.includes('403')).length >= 3, { timeoutMs: 60_000 });
        expect(broker.status().consumers).to.deep.equal([{ queue: 'work.gone', consuming: false }]);
      } finally {
        await permit('.*');
      }
      await isConsuming(broker, 'work.gone');
      expect(await broker.publish(start(1), gone)).to.equal('confirmed');
      await inbox.has(1);
    });
  });

  describe('a deployment', () => {
    let deployment: Deployment;
    beforeEach(async () => {
      const { mongoUrl } = testServers();
      deployment = await Deployment.create({ timingScale: 0.5, servers: { mongoUrl, amqpUrl: servers.amqpUrl! } });
      for (const role of ['api', 'resource-manager', 'beat']) deployment.start(role);
    });
    afterEach(() => deployment.destroy());

    const file = (): string => join(deployment.directory, 'evidence');
    const submit = (label: string, ms: number) =>
      deployment.submit({ name: 'test.evidence', kwargs: { file: file(), label, ms } });

    for (const pool of ['prefork', 'async']) {
      it(`runs longer than that with more behind, and no channel is closed (${pool})`, async () => {
        const worker = deployment.start('worker', ['-n', 'w1', '-c', '2', '--pool', pool]);
        await deployment.healthy();
        const labels = ['long-1', 'long-2', 'long-3', 'short-1', 'short-2'];
        const tasks = [];
        for (const label of labels) tasks.push(await submit(label, label.startsWith('long') ? LONG_MS : 10));
        for (const { id } of tasks) expect(await deployment.final(id)).to.include({ state: 'completed', attempt: 1 });
        expect(readSpans(file()).map(span => span.label)).to.have.members(labels);
        expect(worker.output).to.not.contain('a consumer lost its channel').and.not.contain('lost RabbitMQ');
      });
    }

    it(`starts every task once whose hint ${DEATHS} consumers died with, though the broker drops it after the third`, async () => {
      const queue = `${deployment.env.INTERLOCK_AMQP_PREFIX}work.default`;
      await rabbit.ctl(['set_policy', 'impatient', `^${queue}$`, '{"delivery-limit":3}', '--apply-to', 'queues']);
      await until('the deployment accepts', async () => (await deployment.request('GET', '/readyz')).status === 200);
      const labels = Array.from({ length: 10 }, (_, n) => `t${n}`);
      const tasks = [];
      for (const label of labels) tasks.push(await submit(label, 10));
      await until('the hints', async () => {
        const raw = await RawAmqp.connect(rabbit.url);
        const depth = await raw.depth(queue);
        await raw.close();
        return (depth?.messages ?? 0) > 0;
      });
      let redelivered = 0;
      for (let n = 0; n < DEATHS; n++) redelivered += await takeAndDie(rabbit.url, queue);
      expect(redelivered, 'hints came again').to.be.above(0);
      deployment.start('worker', ['-n', 'w1', '-c', '2']);
      for (const { id } of tasks) expect(await deployment.final(id)).to.include({ state: 'completed', attempt: 1 });
      expect(readSpans(file()).map(span => span.label)).to.have.members(labels);
    });
  });
});

/** As a worker that is killed with what was prefetched; answers how much of it had been delivered to another one before. */
async function takeAndDie(url: string, queue: string): Promise<number> {
  const raw = await RawAmqp.connect(url);
  let redelivered = 0;
  await raw.on(async channel => {
    await channel.prefetch(5);
    let taken = 0;
    await channel.consume(queue, message => {
      taken += 1;
      if (message?.fields.redelivered === true) redelivered += 1;
    });
    await until(
      'something, or nothing to be left',
      async () => taken > 0 || (await channel.checkQueue(queue)).messageCount === 0,
    );
  });
  await raw.close();
  return redelivered;
}
