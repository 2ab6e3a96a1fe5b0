import { expect } from 'chai';
import { Consumer } from '../../../src/broker/amqp/consumer.js';
import { DeadLetters } from '../../../src/broker/amqp/dead-letters.js';
import { DEFAULT_AMQP_TIMING, type AmqpTiming } from '../../../src/broker/amqp/options.js';
import { MuteQueues } from '../../../src/broker/amqp/mute-queues.js';
import { Publisher } from '../../../src/broker/amqp/publisher.js';
import type { Repair } from '../../../src/broker/amqp/queue-repair.js';
import { namesWith, queueOf } from '../../../src/broker/amqp/topology.js';
import type { Delivery } from '../../../src/broker/broker.js';
import { encode } from '../../../src/core/hint.js';
import { until } from '../../support/wait.js';
import { FakeLink, type FakeChannel } from './fake-link.js';

const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };
const names = namesWith('');
const never = (): Promise<never> => new Promise(() => undefined);
const destination = { to: 'queue', queue: 'default' } as const;
const message = {
  content: Buffer.from(encode({ kind: 'start', task: '00000000-0000-7000-8000-000000000001' })),
  properties: { contentType: 'application/json' },
};

describe('a consumer', () => {
  let timing: AmqpTiming;
  let link: FakeLink;
  let deliveries: Delivery[];
  let recycles: number;
  let repaired: string[];
  let mute: MuteQueues | undefined;

  beforeEach(() => {
    timing = { ...DEFAULT_AMQP_TIMING, stallMs: 0, backoffMinMs: 1, backoffMaxMs: 2, muteMs: 0 };
    link = new FakeLink();
    deliveries = [];
    recycles = 0;
    repaired = [];
    mute = undefined;
  });

  async function attached(prefetch: number): Promise<Consumer> {
    const repair = (queue: { name: string }): Promise<Repair> => {
      repaired.push(queue.name);
      return Promise.resolve('repaired');
    };
    mute ??= new MuteQueues({ names, timing, log: silent, repair });
    const deadLetters = new DeadLetters(names, new Publisher(names, timing, silent, mute), timing, silent);
    const consumer = new Consumer(prefetch, {
      ...{ destination, names, timing, mute, deadLetters, queue: queueOf(names, destination), log: silent, random: () => 0 },
      onDelivery: delivery => deliveries.push(delivery),
      recycled: () => recycles++,
      onClose: () => undefined,
    });
    await consumer.attach(link);
    return consumer;
  }

  function deliver(channel: FakeChannel, tag: string): void {
    channel.consumers.get(tag)?.(message);
  }

  it('is not consuming until the broker counts it', async () => {
    const consumer = await attached(1);
    expect(consumer.status).to.deep.equal({ queue: 'work.default', consuming: true });

    link.channels[0]!.queue = { messageCount: 0, consumerCount: 0 };
    await consumer.assertFlow();

    expect(consumer.status).to.deep.equal({ queue: 'work.default', consuming: false });
    await until('a new channel', () => link.channels.length === 2 && consumer.status?.consuming);
    expect(recycles).to.equal(1);
  });

  it('recycles a channel that gets nothing while messages are ready and it could take some', async () => {
    const consumer = await attached(1);
    link.channels[0]!.queue = { messageCount: 3, consumerCount: 1 };
    await consumer.assertFlow();
    await until('a new channel', () => link.channels.length === 2 && consumer.status?.consuming);
    expect(recycles).to.equal(1);
  });

  it('consumes again when the broker cancels it', async () => {
    const consumer = await attached(1);
    link.channels[0]!.consumers.get('interlock-1')!(null);
    await until('a new channel', () => link.channels.length === 2 && consumer.status?.consuming);
    expect(recycles).to.equal(1);
    expect(link.gone.aborted).to.equal(false);
  });

  it('leaves a channel alone whose prefetch is used up, or that is told to pause', async () => {
    const consumer = await attached(1);
    link.channels[0]!.queue = { messageCount: 3, consumerCount: 1 };
    deliver(link.channels[0]!, 'interlock-1');
    await consumer.assertFlow();
    deliveries[0]!.ack();
    consumer.setPrefetch(0);
    await until('the cancel', () => link.channels[0]!.consumers.size === 0);
    await consumer.assertFlow();
    expect(link.channels).to.have.lengthOf(1);
    expect(recycles).to.equal(0);
  });

  it('hands back what comes after prefetch 0, once it has cancelled', async () => {
    const consumer = await attached(2);
    const channel = link.channels[0]!;
    const take = channel.consumers.get('interlock-1')!;
    consumer.setPrefetch(0);
    take(message);
    take(message);
    expect(channel.nacks).to.equal(0);

    await until('both to be handed back', () => channel.nacks === 2);
    expect(channel.consumers.size).to.equal(0);
    expect(deliveries).to.have.lengthOf(0);
  });

  it('hands out what came after prefetch 0 when it is raised again in time', async () => {
    const consumer = await attached(2);
    const channel = link.channels[0]!;
    const take = channel.consumers.get('interlock-1')!;
    consumer.setPrefetch(0);
    take(message);
    consumer.setPrefetch(1);

    await until('the delivery', () => deliveries.length === 1);
    expect(channel.nacks).to.equal(0);
  });

  it('drops acknowledgements of a channel that is gone', async () => {
    const consumer = await attached(1);
    const [first] = link.channels;
    deliver(first!, 'interlock-1');
    await first!.close();
    await until('a new channel', () => link.channels.length === 2 && consumer.status?.consuming);

    deliveries[0]!.ack();
    expect(first!.acks).to.equal(0);
    expect(link.channels[1]!.acks).to.equal(0);
  });

  it('gives the connection up when an answer does not come, on whatever channel', async () => {
    const consumer = await attached(1);
    timing.rpcMs = timing.publishMs = 1;
    link.opening = channel => (channel.checkExchange = never);
    link.channels[0]!.checkQueue = never;
    await consumer.assertFlow();
    await until('the connection to be given up', () => link.gone.aborted);
    expect(repaired).to.deep.equal([]);
  });

  it('keeps the connection when the queue alone is silent, has it repaired at the third time, and only then starts anew', async () => {
    timing.rpcMs = 1;
    link.opening = channel => (channel.consume = never);
    const consumer = await attached(1);

    await until('the connection to be given up', () => link.gone.aborted);
    expect(repaired).to.deep.equal(['work.default']);
    expect(consumer.status).to.deep.equal({ queue: 'work.default', consuming: false });
    // Three that consumed, and three that asked for something else.
    expect(link.channels).to.have.lengthOf(6);

    link = new FakeLink();
    await consumer.attach(link);
    expect(consumer.status).to.deep.equal({ queue: 'work.default', consuming: true });
  });

  it('blames the queue that it was to consume when the broker breaks down over it, and has it repaired at the third time', async () => {
    for (let times = 1; times <= 3; times++) {
      expect(repaired).to.deep.equal([]);
      link = new FakeLink();
      const broken = link;
      link.opening = channel => {
        channel.consume = () => {
          broken.destroy(Object.assign(new Error('INTERNAL-ERROR'), { code: 541 }));
          return Promise.reject(new Error('channel ended'));
        };
      };
      await attached(1);
    }
    expect(repaired).to.deep.equal(['work.default']);
  });

  it('consumes once only when a channel that was given up opens at last', async () => {
    timing.rpcMs = 1;
    const waiting: (() => void)[] = [];
    link.opening = channel => {
      if (link.channels.length === 1) channel.bindQueue = () => new Promise(resolve => waiting.push(() => resolve({})));
    };
    const consumer = await attached(1);
    timing.rpcMs = 1_000;
    await until('another channel', () => consumer.status?.consuming);

    for (const go of waiting) go();
    await until('the first to be closed', () => link.channels[0]!.closed);

    expect(waiting).to.have.lengthOf(1);
    expect(link.channels.map(channel => channel.consumers.size)).to.deep.equal([0, 0, 1]);
  });

  for (const [given, meant] of [
    [-1, 0],
    [2.7, 2],
    [1e9, 65_535],
  ] as const) {
    it(`takes a prefetch of ${given} as ${meant}`, async () => {
      const consumer = await attached(0);
      const asked: number[] = [];
      link.channels[0]!.prefetch = ((count: number) => Promise.resolve(asked.push(count))) as unknown as () => Promise<object>;
      consumer.setPrefetch(given);
      await until('it to settle', () => (meant === 0 ? consumer.status === undefined : consumer.status?.consuming));
      expect(asked).to.deep.equal(meant === 0 ? [] : [meant]);
    });
  }
});
