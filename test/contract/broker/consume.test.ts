import { expect } from 'chai';
import type { Delivery } from '../../../src/broker/broker.js';
import { until } from '../../support/wait.js';
import { Fixture, Inbox, isConsuming, isUp, start } from './fixture.js';

describe('consuming hints from RabbitMQ', () => {
  let fixture: Fixture;

  before(async () => {
    fixture = await Fixture.open();
  });

  after(() => fixture.close());

  it('delivers what is published, to a consumer from before the start and to one from after it', async () => {
    const broker = fixture.broker();
    const early = new Inbox({ ack: true });
    const late = new Inbox({ ack: true });
    broker.consume(fixture.destination('early'), 4, early.take);
    await broker.start();
    await isUp(broker);
    broker.consume(fixture.destination('late'), 4, late.take);
    await isConsuming(broker, fixture.queue('work.late'));
    await isConsuming(broker, fixture.queue('work.early'));

    await broker.publish(start(1), fixture.destination('early'));
    await broker.publish(start(2), fixture.destination('late'));

    await early.has(1);
    await late.has(1);
    expect([...early.numbers, ...late.numbers]).to.deep.equal([1, 2]);
  });

  it('never hands out more than the prefetch, and more as each is acknowledged', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('prefetch');
    const inbox = new Inbox({ ack: false });
    for (let n = 1; n <= 10; n++) await broker.publish(start(n), destination);

    broker.consume(destination, 3, inbox.take);
    await inbox.has(3);
    expect(await broker.depth(destination)).to.include({ messages: 7 });

    inbox.deliveries[0]!.ack();
    inbox.deliveries[0]!.ack();
    await inbox.has(4);
    for (let n = 1; n < 10; n++) {
      await until('the next delivery', () => inbox.deliveries[n]);
      inbox.deliveries[n]!.ack();
    }
    expect(inbox.numbers).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('stops at prefetch 0 and goes on when it is raised again', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('pause');
    const inbox = new Inbox({ ack: true });
    const subscription = broker.consume(destination, 2, inbox.take);
    await isConsuming(broker, fixture.queue('work.pause'));

    subscription.setPrefetch(0);
    await until('the consumer to be gone', async () => (await broker.depth(destination))?.consumers === 0);
    for (let n = 1; n <= 5; n++) await broker.publish(start(n), destination);
    expect(await broker.depth(destination)).to.deep.equal({ messages: 5, consumers: 0 });
    expect(inbox.numbers).to.deep.equal([]);
    expect(broker.status().consumers).to.deep.equal([]);

    subscription.setPrefetch(2);
    await inbox.has(5);
  });

  it('counts what it held before against a new prefetch, whichever way it changes', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('change');
    const queue = fixture.queue('work.change');
    const inbox = new Inbox({ ack: false });
    for (let n = 1; n <= 20; n++) await broker.publish(start(n), destination);
    const subscription = broker.consume(destination, 4, inbox.take);
    await inbox.has(4);

    for (const prefetch of [2, 3, 1, 0, 4, 2]) subscription.setPrefetch(prefetch);
    await isConsuming(broker, queue);
    expect(inbox.deliveries).to.have.lengthOf(4);
    inbox.deliveries[0]!.ack();
    inbox.deliveries[1]!.ack();
    await isConsuming(broker, queue);
    expect(inbox.deliveries).to.have.lengthOf(4);
    inbox.deliveries[2]!.ack();
    await inbox.has(5);

    subscription.setPrefetch(6);
    await inbox.has(9);
    expect(await broker.depth(destination)).to.include({ messages: 11 });
  });

  it('gives back what arrives while it cancels, under a storm of changes, and loses nothing', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('storm');
    const total = 400;
    const seen = new Set<string>();
    let open: Delivery[] = [];
    let most = 0;
    let limit = 1;
    const subscription = broker.consume(destination, limit, delivery => {
      if (delivery.hint.kind === 'start') seen.add(delivery.hint.task);
      most = Math.max(most, open.push(delivery));
    });
    await Promise.all(Array.from({ length: total }, (_, n) => broker.publish(start(n), destination)));

    const turn = (): boolean => {
      limit = (limit + 3) % 6;
      subscription.setPrefetch(limit);
      const acknowledged = open;
      open = [];
      for (const delivery of acknowledged) delivery.ack();
      return seen.size === total;
    };
    await until(`${total} different hints`, turn, { everyMs: 2 });

    expect(most).to.be.within(2, 5);
    expect(broker.status().recycles).to.equal(0);
  });

  it('returns what is unacknowledged when a subscription closes', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('closing');
    const inbox = new Inbox({ ack: false });
    for (let n = 1; n <= 3; n++) await broker.publish(start(n), destination);
    const subscription = broker.consume(destination, 2, inbox.take);
    await inbox.has(2);

    await subscription.close();
    inbox.deliveries[0]!.ack();
    subscription.setPrefetch(5);

    await until('all three in the queue again', async () => (await broker.depth(destination))?.messages === 3);
    expect(await broker.depth(destination)).to.deep.equal({ messages: 3, consumers: 0 });
    expect(broker.status().consumers).to.deep.equal([]);
  });

  it('goes on after a handler that throws, without losing its channel', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('throws');
    const numbers: number[] = [];
    broker.consume(destination, 1, delivery => {
      numbers.push(numbers.length + 1);
      if (numbers.length === 1) throw new Error(`cannot handle ${delivery.hint.kind}`);
      delivery.ack();
    });

    for (let n = 1; n <= 3; n++) await broker.publish(start(n), destination);

    await until('three calls', () => numbers.length >= 3);
    expect(numbers).to.deep.equal([1, 2, 3]);
    expect(await broker.depth(destination)).to.include({ messages: 0 });
    expect(broker.status().recycles).to.equal(0);
    expect(fixture.lines.some(line => line.level === 'error' && line.fields.cause === 'cannot handle start')).to.equal(true);
  });

  it('consumes again after its queue was deleted', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('deleted');
    const queue = fixture.queue('work.deleted');
    const inbox = new Inbox({ ack: true });
    broker.consume(destination, 2, inbox.take);
    await isConsuming(broker, queue);

    for (let round = 1; round <= 3; round++) {
      await fixture.raw.deleteQueue(queue);
      await until('its channel to be replaced', () => broker.status().recycles === round);
      await isConsuming(broker, queue);
      expect(await broker.publish(start(round), destination)).to.equal('confirmed');
      await inbox.has(round);
    }
    expect(broker.status().reconnects).to.equal(0);
  });

  it('does not mind that its queue is purged', async () => {
    const broker = await fixture.started();
    const destination = fixture.destination('purged');
    const inbox = new Inbox({ ack: false });
    for (let n = 1; n <= 5; n++) await broker.publish(start(n), destination);
    const subscription = broker.consume(destination, 1, inbox.take);
    await inbox.has(1);

    await fixture.raw.on(channel => channel.purgeQueue(fixture.queue('work.purged')));
    subscription.setPrefetch(3);
    await broker.publish(start(6), destination);

    await inbox.has(2);
    expect(inbox.numbers).to.deep.equal([1, 6]);
  });

  it('does not doubt a consumer of an empty queue', async () => {
    const broker = await fixture.started({ timing: { stallMs: 50 } });
    const destination = fixture.destination('idle');
    const inbox = new Inbox({ ack: false });
    broker.consume(destination, 1, inbox.take);
    await isConsuming(broker, fixture.queue('work.idle'));
    for (let n = 1; n <= 3; n++) await broker.publish(start(n), destination);
    await inbox.has(1);
    for (let doubts = 0; doubts < 20; doubts++) await fixture.raw.depth(fixture.queue('work.idle'));

    // Two are ready, and the one slot is taken: nothing is wrong with that either.
    inbox.deliveries[0]!.ack();
    await inbox.has(2);
    expect(broker.status()).to.include({ recycles: 0, reconnects: 0 });
  });
}).timeout(60_000);
