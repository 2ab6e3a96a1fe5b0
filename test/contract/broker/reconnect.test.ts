import { expect } from 'chai';
import type { AmqpBroker } from '../../../src/broker/amqp/broker.js';
import type { Destination } from '../../../src/broker/broker.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/wait.js';
import { Fixture } from './fixture.js';
import { Inbox, isConsuming, isUp, start } from './support.js';

describe('losing the connection to RabbitMQ', () => {
  let fixture: Fixture;
  let proxy: TcpProxy;
  let broker: AmqpBroker;
  let destination: Destination;
  let queue: string;

  before(async () => {
    fixture = await Fixture.open();
  });

  after(() => fixture.close());

  /** A broker behind a proxy that consumes a queue of its own. */
  async function consuming(name: string, inbox: Inbox, prefetch = 4): Promise<void> {
    proxy = await fixture.proxy();
    broker = await fixture.started({ proxy, heartbeatS: 1 });
    destination = fixture.destination(name);
    queue = fixture.queue(`work.${name}`);
    broker.consume(destination, prefetch, inbox.take);
    await isConsuming(broker, queue);
  }

  async function isBack(reconnects: number): Promise<void> {
    await until('both connections to be back', () => broker.status().reconnects >= reconnects && broker.status().state === 'up', {
      timeoutMs: 60_000,
    });
    await isConsuming(broker, queue);
  }

  for (const how of ['reset', 'close'] as const) {
    it(`consumes and publishes again after a ${how}`, async () => {
      const inbox = new Inbox({ ack: true });
      await consuming(`cut-${how}`, inbox);

      proxy.cut(how);
      await isBack(2);

      expect(await broker.publish(start(1), destination)).to.equal('confirmed');
      await inbox.has(1);
      await until('one consumer', async () => (await broker.depth(destination))?.consumers === 1);
    });
  }

  it('notices a connection on which nothing moves any more, by its heartbeat', async () => {
    const inbox = new Inbox({ ack: true });
    await consuming('blackhole', inbox);

    proxy.set('blackhole');
    // Each of the two connections has a heartbeat of its own.
    await until('both losses to be noticed', () => Object.values(broker.phases()).every(phase => phase !== 'up'));
    expect(broker.status().consumers).to.deep.equal([{ queue, consuming: false }]);
    proxy.set('pass');
    await isBack(2);

    expect(await broker.publish(start(1), destination)).to.equal('confirmed');
    await inbox.has(1);
  });

  it('ends connected and consuming when it is cut three times while it sets up', async () => {
    for (const bytes of [100, 600, 700, 800, 900]) {
      proxy = await fixture.proxy();
      proxy.cutAfter(bytes, 3);
      broker = fixture.broker({ proxy });
      const inbox = new Inbox({ ack: true });
      destination = fixture.destination(`setup-${bytes}`);
      queue = fixture.queue(`work.setup-${bytes}`);
      broker.consume(destination, 2, inbox.take);
      await broker.start();
      await until('the three cuts', () => proxy.cutsLeft === 0);
      await isUp(broker);
      await isConsuming(broker, queue);

      // Connections that pass carry more than the bytes that were let through to those that were cut.
      expect(proxy.accepted).to.be.at.least(3);
      expect(await broker.publish(start(bytes), destination)).to.equal('confirmed');
      await inbox.has(1);
      await broker.close();
    }
    const phases = new Set(fixture.lines.filter(line => line.message.startsWith('cannot use')).map(line => line.fields.phase));
    expect(phases, 'the cuts met every phase').to.include.all.keys('connecting', 'topology', 'consuming');
  });

  it('starts while there is no broker, and connects when there is one', async () => {
    proxy = await fixture.proxy();
    proxy.set('reset');
    broker = fixture.broker({ proxy, timing: { startMs: 100 } });
    const inbox = new Inbox({ ack: true });
    destination = fixture.destination('late-broker');
    broker.consume(destination, 1, inbox.take);

    await broker.start();
    expect(broker.status().state).to.equal('connecting');
    proxy.set('pass');
    await isUp(broker);

    await broker.publish(start(1), destination);
    await inbox.has(1);
    expect(broker.status().version).to.match(/^\d+\.\d+/);
  });
}).timeout(60_000);
