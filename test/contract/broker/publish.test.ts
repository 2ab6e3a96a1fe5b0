import { expect } from 'chai';
import { until } from '../../support/wait.js';
import { Fixture } from './fixture.js';
import { start } from './support.js';

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

  it('says returned when the queue of a hint cannot be declared', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('foreign');
    await fixture.raw.on(channel => channel.assertQueue(fixture.queue('work.foreign'), { durable: true }));

    expect(await broker.publish(start(1), destination)).to.equal('returned');
    expect(await broker.publish(start(2), { to: 'resource-manager' })).to.equal('confirmed');
  });

  it('defers a hint for a name that AMQP cannot carry, and goes on', async () => {
    const broker = await fixture.started();

    expect(await broker.publish(start(1), { to: 'worker', worker: 'w'.repeat(300) })).to.equal('deferred');
    expect(await broker.publish(start(1), { to: 'resource-manager' })).to.equal('confirmed');
    expect(await broker.depth({ to: 'worker', worker: 'w'.repeat(300) })).to.equal(undefined);
  });

  it('defers a hint that the broker refuses, counts it, and goes on', async () => {
    // The methods basic.ack and basic.nack, 60/80 and 60/120, have frames of one length; an acknowledged message is refused by it.
    const proxy = await fixture.proxy({ says: ['\0\x3c\0\x50', '\0\x3c\0\x78'] });
    const broker = await fixture.started({ proxy });
    const destination = fixture.destination('refused');
    expect(await (await fixture.started()).publish(start(0), destination), 'without the proxy').to.equal('confirmed');

    expect(await broker.publish(start(1), destination)).to.equal('deferred');
    expect(await broker.publish(start(2), destination)).to.equal('deferred');
    expect(broker.status()).to.include({ state: 'up', deferred: 2, reconnects: 0 });
    expect(await broker.depth(destination)).to.include({ messages: 3 });
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
