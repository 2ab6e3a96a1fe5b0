import { expect } from 'chai';
import { until } from '../../support/wait.js';
import { Fixture, isUp, start } from './fixture.js';

describe('publishing hints to RabbitMQ', () => {
  let fixture: Fixture;

  before(async () => {
    fixture = await Fixture.open();
  });

  after(() => fixture.close());

  it('confirms a hint that is durable in a quorum queue', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('durable');

    expect(await broker.publish(start(1), destination)).to.equal('confirmed');

    const message = await fixture.take(fixture.queue('work.durable'));
    expect(JSON.parse(message.content.toString())).to.deep.equal({ v: 1, ...start(1) });
    expect(message.properties).to.include({ deliveryMode: 2, contentType: 'application/json' });
    expect(message.properties.messageId).to.be.a('string').that.is.not.empty;
  });

  it('declares a queue that nobody has consumed yet, so that its first worker finds the hints', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('no-worker-yet');
    const returned = broker.status().returned;

    const results = await Promise.all([1, 2, 3].map(n => broker.publish(start(n), destination)));

    expect(results).to.deep.equal(['confirmed', 'confirmed', 'confirmed']);
    expect(broker.status().returned).to.be.above(returned);
    expect(await fixture.raw.depth(fixture.queue('work.no-worker-yet'))).to.deep.equal({ messages: 3, consumers: 0 });
    expect(await broker.depth(destination)).to.deep.equal({ messages: 3, consumers: 0 });
  });

  it('says returned when the queue of a hint cannot be declared', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('foreign');
    await fixture.raw.on(channel => channel.assertQueue(fixture.queue('work.foreign'), { durable: true }));

    expect(await broker.publish(start(1), destination)).to.equal('returned');
    expect(await broker.publish(start(2), { to: 'resource-manager' })).to.equal('confirmed');
  });

  it('keeps the order of hints of one queue', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('order');
    await broker.publish(start(0), destination);

    const numbers = Array.from({ length: 200 }, (_, n) => n + 1);
    const results = await Promise.all(numbers.map(n => broker.publish(start(n), destination)));

    expect(results.every(result => result === 'confirmed')).to.equal(true);
    for (const n of [0, ...numbers]) {
      const message = await fixture.take(fixture.queue('work.order'));
      expect(JSON.parse(message.content.toString())).to.include({ task: start(n).task });
    }
  });

  it('reaches a worker by its own queue, whatever is in its name', async () => {
    const broker = await fixture.started();
    const worker = 'worker@host-1.example:a/b c.ü';
    fixture.queue(`worker.${worker}`);

    expect(await broker.publish(start(7), { to: 'worker', worker })).to.equal('confirmed');
    expect(await broker.depth({ to: 'worker', worker })).to.include({ messages: 1 });
  });

  it('defers a hint for a name that AMQP cannot carry, and goes on', async () => {
    const broker = await fixture.started();

    expect(await broker.publish(start(1), { to: 'worker', worker: 'w'.repeat(300) })).to.equal('deferred');
    expect(await broker.publish(start(1), { to: 'resource-manager' })).to.equal('confirmed');
    expect(await broker.depth({ to: 'worker', worker: 'w'.repeat(300) })).to.equal(undefined);
  });

  it('defers while disconnected, and sends nothing of it later', async () => {
    const proxy = await fixture.proxy();
    const broker = await fixture.started({ proxy });
    const destination = fixture.destination('disconnected');
    await broker.publish(start(1), destination);
    proxy.set('close');
    await until('the connections to be lost', () => broker.phases().publish === 'connecting');

    const results = await Promise.all([2, 3, 4].map(n => broker.publish(start(n), destination)));
    expect(results).to.deep.equal(['deferred', 'deferred', 'deferred']);
    expect(await broker.depth(destination)).to.equal(undefined);

    proxy.set('pass');
    await isUp(broker);
    expect(await broker.publish(start(5), destination)).to.equal('confirmed');
    expect(await broker.depth(destination)).to.deep.equal({ messages: 2, consumers: 0 });
  });

  it('answers within its budget when the broker falls silent, and keeps at most 1,000 unconfirmed', async () => {
    const proxy = await fixture.proxy();
    const broker = await fixture.started({ proxy });
    const destination = fixture.destination('silent');
    await broker.publish(start(0), destination);
    proxy.set('blackhole');

    const first = Array.from({ length: 1_000 }, (_, n) => broker.publish(start(n), destination));
    const beyond = await Promise.race([broker.publish(start(1_001), destination), first[0]!.then(() => 'too late')]);

    expect(beyond).to.equal('deferred');
    expect(new Set(await Promise.all(first))).to.deep.equal(new Set(['deferred']));
    expect(await broker.depth(destination)).to.equal(undefined);
  });

  it('survives the loss of its exchange', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('exchange');
    await broker.publish(start(1), destination);
    await fixture.raw.on(channel => channel.deleteExchange(`${fixture.prefix}interlock.tasks`));

    const result = await until('a hint to be confirmed again', async () => {
      const answer = await broker.publish(start(2), destination);
      return answer === 'confirmed' && answer;
    });

    expect(result).to.equal('confirmed');
    expect(broker.status().reconnects).to.be.at.least(1);
  });
}).timeout(60_000);
