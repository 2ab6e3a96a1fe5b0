import { expect } from 'chai';
import type { Delivery, Destination, PublishResult } from '../../../src/broker/broker.js';
import { SimulatedExchange, type Hooks, type SimulatedBroker } from '../../simulation/broker/exchange.js';
import { Inbox, start } from './support.js';

const destination: Destination = { to: 'queue', queue: 'default' };

/** Time that goes on when the test says so; equal times keep their order. */
class Steps {
  nowMs = 0;
  #works: { atMs: number; work: () => void }[] = [];

  readonly later = (ms: number, work: () => void): void => {
    const atMs = this.nowMs + ms;
    const index = this.#works.findIndex(other => other.atMs > atMs);
    this.#works.splice(index === -1 ? this.#works.length : index, 0, { atMs, work });
  };

  async advance(ms: number): Promise<void> {
    const end = this.nowMs + ms;
    for (let next = this.#works[0]; next && next.atMs <= end; next = this.#works[0]) {
      this.#works.shift();
      this.nowMs = next.atMs;
      next.work();
      await Promise.resolve();
    }
    this.nowMs = end;
    await Promise.resolve();
  }
}

describe('the weather of the simulated broker', () => {
  let steps: Steps;
  let fates: number[][];
  let exchange: SimulatedExchange;

  beforeEach(() => {
    steps = new Steps();
    fates = [];
    exchange = new SimulatedExchange({ fate: () => fates.shift() ?? [1], later: steps.later });
  });

  async function up(hooks?: Hooks): Promise<SimulatedBroker> {
    const broker = exchange.connect('process', hooks);
    void broker.start();
    await steps.advance(200);
    expect(broker.status().state).to.equal('up');
    return broker;
  }

  /** What each publish was answered, by the number of the hint; nothing while there is no answer. */
  function publishing(broker: SimulatedBroker, ...numbers: number[]): Map<number, PublishResult> {
    const results = new Map<number, PublishResult>();
    for (const n of numbers) void broker.publish(start(n), destination).then(result => results.set(n, result));
    return results;
  }

  it('loses, doubles, delays and reorders', async () => {
    const broker = await up();
    const inbox = new Inbox({ ack: true });
    broker.consume(destination, 10, inbox.take);
    fates = [[], [5, 7], [2_500], [3]];

    const results = publishing(broker, 1, 2, 3, 4);
    await steps.advance(10);
    expect(inbox.numbers).to.deep.equal([4, 2, 2]);
    expect(results).to.deep.equal(
      new Map([
        [4, 'confirmed'],
        [2, 'confirmed'],
      ]),
    );

    await steps.advance(3_000);
    expect(inbox.numbers).to.deep.equal([4, 2, 2, 3]);
    expect([results.get(1), results.get(3)]).to.deep.equal(['deferred', 'deferred']);
    expect(broker.status()).to.include({ deferred: 2 });
  });

  it('treats every receiver of a control message on its own', async () => {
    const received: string[] = [];
    for (const name of ['a', 'b', 'c']) (await up()).onControl(() => received.push(name));
    const sender = await up();
    fates = [[4], [], [2, 3], [1]];

    sender.broadcast({ kind: 'cancel', task: start(1).task });
    await steps.advance(10);

    expect(received).to.deep.equal(['c', 'c', 'a']);
  });

  it('keeps a thousand unconfirmed at most', async () => {
    const broker = await up();
    fates = Array.from({ length: 1_000 }, () => []);
    const numbers = Array.from({ length: 1_001 }, (_, n) => n);

    const results = publishing(broker, ...numbers);
    await steps.advance(1);
    expect([...results]).to.deep.equal([[1_000, 'deferred']]);

    await steps.advance(2_000);
    expect(results.size).to.equal(1_001);
    expect(publishing(broker, 0)).to.deep.equal(new Map());
  });

  it('gives what a crashed process held to others, first, and never calls it again', async () => {
    const [dying, living] = [await up(), await up()];
    const [held, taken] = [new Inbox({ ack: false }), new Inbox({ ack: false })];
    const calls: string[] = [];
    dying.onControl(() => calls.push('control'));
    dying.consume(destination, 2, held.take);
    publishing(living, 1, 2, 3);
    await steps.advance(10);
    void dying.publish(start(4), destination).then(() => calls.push('publish'));
    void dying.depth(destination).then(() => calls.push('depth'));

    dying.crash();
    for (const delivery of held.deliveries) delivery.ack();
    void dying.close().then(() => calls.push('close'));
    void dying.publish(start(5), destination).then(() => calls.push('publish'));
    living.broadcast({ kind: 'cancel', task: start(1).task });
    living.consume(destination, 10, taken.take);
    await steps.advance(5_000);

    expect(held.numbers).to.deep.equal([1, 2]);
    // What was on its way already arrives.
    expect(taken.numbers).to.deep.equal([1, 2, 3, 4]);
    expect(calls).to.deep.equal([]);
  });

  it('reaches a paused process when it wakes up, and leaves it what it held until then', async () => {
    const socket: (() => void)[] = [];
    let paused = false;
    const sleeper = await up({
      deliver(run) {
        if (paused) socket.push(run);
        else run();
      },
    });
    const other = await up();
    const [late, early] = [new Inbox({ ack: true }), new Inbox({ ack: true })];
    sleeper.consume(destination, 2, late.take);
    await steps.advance(1);
    paused = true;
    publishing(other, 1, 2, 3);
    const results = publishing(sleeper, 4);
    await steps.advance(10);
    expect(late.numbers).to.deep.equal([]);
    expect(results.size).to.equal(0);
    expect(exchange.messages(destination)).to.equal(4);

    // The server notices its silence, and others get the same; both deliveries happen.
    sleeper.cut();
    other.consume(destination, 10, early.take);
    await steps.advance(10);
    expect(early.numbers).to.deep.equal([1, 2, 3, 4]);
    paused = false;
    for (const run of socket.splice(0)) run();
    await steps.advance(1_000);
    expect(late.numbers).to.deep.equal([1, 2]);
    expect(results.get(4)).to.equal('confirmed');
    expect(sleeper.status().state).to.equal('up');
    expect(exchange.messages(destination)).to.equal(0);
  });

  it('takes back what a paused process would have got beyond a prefetch that it lowered', async () => {
    const socket: (() => void)[] = [];
    const broker = await up();
    const slow = exchange.connect('slow', { deliver: run => void socket.push(run) });
    void slow.start();
    await steps.advance(200);
    for (const run of socket.splice(0)) run();
    const inbox = new Inbox({ ack: false });
    const subscription = slow.consume(destination, 3, inbox.take);
    await steps.advance(1);
    for (const run of socket.splice(0)) run();
    publishing(broker, 1, 2, 3);
    await steps.advance(10);

    subscription.setPrefetch(1);
    for (const run of socket.splice(0)) run();
    expect(inbox.numbers).to.deep.equal([1]);
    const depth = broker.depth(destination);
    await steps.advance(1);
    expect(await depth).to.deep.equal({ messages: 2, consumers: 1 });
  });

  it('takes the server away, with what is under way but not with what it stored', async () => {
    const broker = await up();
    const inbox = new Inbox({ ack: false });
    broker.consume(destination, 1, inbox.take);
    publishing(broker, 1, 2);
    await steps.advance(10);
    fates = [[100], [100]];
    const results = publishing(broker, 3);
    broker.broadcast({ kind: 'cancel', task: start(1).task });

    exchange.setUp(false);
    await steps.advance(50);
    expect(publishing(broker, 4).size).to.equal(0);
    exchange.setUp(true);
    await steps.advance(1_000);

    expect(results.get(3)).to.equal('deferred');
    expect(inbox.numbers).to.deep.equal([1, 1]);
    expect(exchange.messages(destination)).to.equal(2);
    expect(broker.status()).to.include({ state: 'up', reconnects: 1, deferred: 2 });
  });

  it('wipes queues and messages, and everybody is back by themselves', async () => {
    const [publisher, consumer] = [await up(), await up()];
    const inbox = new Inbox({ ack: false });
    consumer.consume(destination, 1, inbox.take);
    publishing(publisher, 1, 2, 3);
    await steps.advance(10);

    exchange.wipe();
    expect(exchange.messages(destination)).to.equal(0);
    inbox.deliveries[0]!.ack();
    await steps.advance(1_000);
    publishing(publisher, 4);
    await steps.advance(10);

    expect(inbox.numbers).to.deep.equal([1, 4]);
    expect(exchange.messages(destination)).to.equal(1);
    expect(consumer.status().consumers).to.deep.equal([{ queue: 'work.default', consuming: true }]);
  });

  it('deletes a queue; it is there again with the next hint, and consumed a little later', async () => {
    const [publisher, consumer] = [await up(), await up()];
    const inbox = new Inbox({ ack: false });
    consumer.consume(destination, 2, inbox.take);
    publishing(publisher, 1);
    await steps.advance(10);

    exchange.deleteQueue(destination);
    expect(consumer.status().consumers).to.deep.equal([{ queue: 'work.default', consuming: false }]);
    publishing(publisher, 2);
    await steps.advance(1_000);

    inbox.deliveries[0]!.ack();
    expect(inbox.numbers).to.deep.equal([1, 2]);
    expect(exchange.messages(destination)).to.equal(1);
    expect(consumer.status()).to.include({ recycles: 1, reconnects: 0 });
  });

  it('counts what is ready and what is held, and purges only the first', async () => {
    const broker = await up();
    const deliveries: Delivery[] = [];
    broker.consume(destination, 2, delivery => deliveries.push(delivery));
    publishing(broker, 1, 2, 3, 4, 5);
    await steps.advance(10);
    expect(exchange.messages(destination)).to.equal(5);

    exchange.purge(destination);
    expect(exchange.messages(destination)).to.equal(2);
    for (const delivery of deliveries) delivery.ack();
    expect(exchange.messages(destination)).to.equal(0);
  });

  it('takes turns exactly, passing over who is full', async () => {
    const broker = await up();
    const inboxes = [1, 5, 2].map(prefetch => {
      const inbox = new Inbox({ ack: false });
      broker.consume(destination, prefetch, inbox.take);
      return inbox;
    });
    await steps.advance(1);

    publishing(broker, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    await steps.advance(10);

    expect(inboxes.map(inbox => inbox.numbers)).to.deep.equal([[1], [2, 4, 6, 7, 8], [3, 5]]);
    expect(exchange.messages(destination)).to.equal(9);
  });

  it('throws what a handler threw into the scheduler, which sees the bug', async () => {
    const broker = await up();
    broker.consume(destination, 1, () => {
      throw new Error('a bug');
    });
    publishing(broker, 1);
    const failure = await steps.advance(10).catch((error: unknown) => error);
    expect(failure).to.have.property('message', 'a bug');
    expect(exchange.messages(destination)).to.equal(0);
  });
});
