import { expect } from 'chai';
import { createAmqpBroker } from '../../../src/broker/amqp/broker.js';
import { testServers } from '../../support/servers.js';
import { until } from '../../support/wait.js';
import { Fixture } from './fixture.js';
import { Inbox, isConsuming, start } from './support.js';

async function refusal(starting: Promise<void>): Promise<string> {
  return starting.then(
    () => 'started',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

describe('what stands on the broker already', () => {
  let fixture: Fixture;

  beforeEach(async () => {
    fixture = await Fixture.open();
  });

  afterEach(() => fixture.close());

  it('is left as it is when it is ours', async () => {
    await (await fixture.started()).close();
    const broker = await fixture.started();
    expect(await broker.depth({ to: 'resource-manager' })).to.deep.equal({ messages: 0, consumers: 0 });
    expect(broker.status()).to.include({ state: 'up', reconnects: 0 });
  });

  it('refuses the start when a queue has other arguments, naming queue, argument, both values and the way out', async () => {
    const name = fixture.queue('resource-manager');
    await fixture.raw.on(channel =>
      channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-max-length': 5 } }),
    );
    const broker = fixture.broker();

    const message = await refusal(broker.start());

    expect(message).to.include(`queue "${name}"`).and.include('x-max-length').and.include("'5'").and.include("'1000000'");
    expect(message).to.include(`rabbitmqctl delete_queue -p '/' '${name}'`);
    expect(broker.status().state).to.equal('closed');
  });

  it('refuses the start for a classic queue that is to be consumed, and for a foreign exchange', async () => {
    await fixture.raw.on(channel => channel.assertQueue(fixture.queue('work.classic'), { durable: true }));
    const consumer = fixture.broker();
    consumer.consume(fixture.destination('classic'), 1, () => undefined);
    expect(await refusal(consumer.start()))
      .to.include(`queue "${fixture.queue('work.classic')}"`)
      .and.include('it is none, Interlock needs');

    await fixture.raw.on(channel => channel.deleteExchange(`${fixture.prefix}interlock.control`));
    await fixture.raw.on(channel => channel.assertExchange(`${fixture.prefix}interlock.control`, 'direct'));
    expect(await refusal(fixture.broker().start()))
      .to.include('exchange')
      .and.include('interlock.control')
      .and.include("'fanout'");
  });

  it('keeps other consumers going when one queue is foreign, and takes that one up once it is gone', async () => {
    const broker = await fixture.started();
    const inbox = new Inbox({ ack: true });
    await fixture.raw.on(channel => channel.assertQueue(fixture.queue('work.foreign'), { durable: true }));
    broker.consume(fixture.destination('foreign'), 1, inbox.take);
    broker.consume(fixture.destination('ours'), 1, inbox.take);
    await isConsuming(broker, fixture.queue('work.ours'));
    await until('the conflict to be reported', () => fixture.lines.some(line => line.level === 'error'));
    expect(broker.status().consumers).to.deep.include({ queue: fixture.queue('work.foreign'), consuming: false });

    await fixture.raw.deleteQueue(fixture.queue('work.foreign'));
    await isConsuming(broker, fixture.queue('work.foreign'));
    await broker.publish(start(1), fixture.destination('foreign'));
    await inbox.has(1);
    expect(broker.status().reconnects).to.equal(0);
  });

  it('is out of reach in a vhost that does not exist, which the log says in words', async () => {
    const url = new URL(testServers().amqpUrl);
    url.pathname = '/no-such-vhost';
    const lines: unknown[] = [];
    const warn = (_message: string, fields?: Record<string, unknown>): void => void lines.push(fields?.cause);
    const broker = createAmqpBroker({ url: url.href, name: 'x', random: Math.random, log: { ...console, warn } });
    const starting = broker.start();
    await until('the reason', () => lines.length > 0);
    await broker.close();
    await starting;
    expect(lines[0]).to.include('is there such a vhost');
  });

  it('is not asked of a URL that is none, which is refused without its password', () => {
    for (const url of ['', 'localhost:5672', 'http://user:secret@host', 'amqp://', 'amqp://user:secret@']) {
      const create = (): unknown => createAmqpBroker({ url, name: 'x', random: Math.random, log: console });
      expect(create, url)
        .to.throw('amqp://user:password@host:port[,host:port…]/vhost')
        .with.property('message')
        .that.does.not.include('secret');
    }
  });
}).timeout(60_000);
