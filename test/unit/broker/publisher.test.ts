import { expect } from 'chai';
import { DEFAULT_AMQP_TIMING } from '../../../src/broker/amqp/options.js';
import { MuteQueues } from '../../../src/broker/amqp/mute-queues.js';
import { Publisher } from '../../../src/broker/amqp/publisher.js';
import { namesWith } from '../../../src/broker/amqp/topology.js';
import type { Hint } from '../../../src/core/hint.js';
import { until } from '../../support/wait.js';
import { FakeLink, type FakeChannel } from './fake-link.js';

const HINT: Hint = { kind: 'start', task: '00000000-0000-7000-8000-000000000001' };
const TO = { to: 'queue', queue: 'default' } as const;
const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };

describe('the publisher', () => {
  let link: FakeLink;
  let channel: FakeChannel;
  let publisher: Publisher;
  let repaired: string[];

  beforeEach(async () => {
    link = new FakeLink();
    repaired = [];
    const timing = { ...DEFAULT_AMQP_TIMING, confirmMs: 0, muteMs: 0 };
    const mute = new MuteQueues({
      ...{ names: namesWith(''), timing, log: silent },
      repair(queue) {
        repaired.push(queue.name);
        return Promise.resolve('repaired');
      },
    });
    publisher = new Publisher(namesWith(''), timing, silent, mute);
    await publisher.open(link);
    channel = link.channels[0]!;
  });

  it('defers at once while the broker blocks the connection, and writes nothing to it', async () => {
    link.events.emit('blocked', 'low on disk');
    expect(publisher.blocked).to.equal(true);
    expect(await publisher.publish(HINT, TO)).to.equal('deferred');
    expect(channel.published).to.have.lengthOf(0);

    link.events.emit('unblocked');
    const publishing = publisher.publish(HINT, TO);
    channel.published[0]!.confirm(null);
    expect(await publishing).to.equal('confirmed');
    expect(publisher.deferred).to.equal(1);
  });

  it('is no longer blocked on another connection', async () => {
    link.events.emit('blocked', 'low on memory');
    publisher.drop();
    await publisher.open(new FakeLink());
    expect(publisher.blocked).to.equal(false);
  });

  it('defers what the broker refuses, and what its channel took with it', async () => {
    const refused = publisher.publish(HINT, TO);
    channel.published[0]!.confirm(new Error('message nacked'));
    const lost = publisher.publish(HINT, TO);
    channel.published[1]!.confirm(new Error('channel closed'));

    expect(await Promise.all([refused, lost])).to.deep.equal(['deferred', 'deferred']);
  });

  it('holds 1,000 unconfirmed and no more, until confirms come', async () => {
    const waiting = Array.from({ length: 1_000 }, () => publisher.publish(HINT, TO));
    expect(await publisher.publish(HINT, TO)).to.equal('deferred');
    expect(channel.published).to.have.lengthOf(1_000);

    for (const { confirm } of [...channel.published]) confirm(null);
    expect(new Set(await Promise.all(waiting))).to.deep.equal(new Set(['confirmed']));
    const next = publisher.publish(HINT, TO);
    channel.published[1_000]!.confirm(null);
    expect(await next).to.equal('confirmed');
  });

  it('tells a return from the confirm that follows it, declares the queue, and publishes once more', async () => {
    const other = publisher.publish(HINT, { to: 'resource-manager' });
    const publishing = publisher.publish(HINT, TO);
    const [first, second] = [...channel.published];
    channel.return(second!);
    second!.confirm(null);
    first!.confirm(null);
    expect(await other).to.equal('confirmed');

    await until('the second try', () => channel.published[2]);
    expect(link.channels[1]!.declared).to.deep.equal(['work.default']);
    channel.return(channel.published[2]!);
    channel.published[2]!.confirm(null);
    expect(await publishing).to.equal('returned');
    expect(channel.published).to.have.lengthOf(3);
    expect(publisher.returned).to.equal(2);
  });

  it('declares at most ten queues at a time, and each once', async () => {
    const publishing = Array.from({ length: 40 }, (_, n) => publisher.publish(HINT, { to: 'queue', queue: `q${n % 20}` }));
    for (const published of [...channel.published]) {
      channel.return(published);
      published.confirm(null);
    }
    await until('the second tries', () => channel.published.length === 60);
    for (const published of channel.published.slice(40)) published.confirm(null);

    const results = await Promise.all(publishing);
    expect(results.filter(result => result === 'confirmed')).to.have.lengthOf(20);
    expect(results.filter(result => result === 'returned')).to.have.lengthOf(20);
    expect(link.channels.slice(1).flatMap(({ declared }) => declared)).to.have.lengthOf(10);
  });

  it('ends a connection that lives and confirms nothing, unless it is blocked', async () => {
    await publisher.assertConfirms();
    expect(link.gone.aborted).to.equal(false);
    const publishing = publisher.publish(HINT, TO);

    link.events.emit('blocked', 'low on disk');
    await publisher.assertConfirms();
    expect(link.gone.aborted).to.equal(false);
    link.events.emit('unblocked');
    await publisher.assertConfirms();
    expect(link.gone.aborted).to.equal(true);

    channel.published[0]!.confirm(new Error('channel closed'));
    expect(await publishing).to.equal('deferred');
  });

  /** One connection on which the first hint waits for its queue, and those behind it wait with it. */
  async function silentRound(answered: boolean): Promise<void> {
    publisher.drop();
    link = new FakeLink();
    await publisher.open(link);
    const results = [TO, { to: 'resource-manager' } as const].map(destination => publisher.publish(HINT, destination));
    const { published } = link.channels[0]!;
    if (answered) published[0]!.confirm(null);
    await publisher.assertConfirms();
    expect(link.gone.aborted).to.equal(true);
    for (const { confirm } of published) confirm(new Error('channel closed'));
    await Promise.all(results);
  }

  it('has a queue repaired that kept the oldest message unconfirmed three times in a row', async () => {
    for (const answered of [false, false]) await silentRound(answered);
    expect(repaired).to.deep.equal([]);
    await silentRound(true);
    for (const answered of [false, false]) await silentRound(answered);
    expect(repaired, 'an answer starts the count anew').to.deep.equal([]);
    await silentRound(false);
    expect(repaired).to.deep.equal(['work.default']);
  });

  it('has a queue repaired that refuses three times in a row, which the end of a channel does not count for', async () => {
    const answers = ['message nacked', 'message nacked', undefined, 'message nacked', 'channel closed', 'message nacked'];
    for (const [n, answer] of [...answers, 'message nacked'].entries()) {
      expect(repaired).to.deep.equal([]);
      const publishing = publisher.publish(HINT, TO);
      channel.published[n]!.confirm(answer === undefined ? null : new Error(answer));
      await publishing;
    }
    expect(repaired).to.deep.equal(['work.default']);
  });

  it('gives its connection up with its channel', async () => {
    await channel.close();
    expect(link.gone.aborted).to.equal(true);
    publisher.drop();
    expect(await publisher.publish(HINT, TO)).to.equal('deferred');
  });
});
