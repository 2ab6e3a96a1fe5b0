import { expect } from 'chai';
import type { Delivery } from '../../../src/broker/broker.js';
import { until } from '../../support/wait.js';
import { Inbox, isConsuming, isUp, start, type BrokerUnderTest } from './support.js';

export function consumeContract(under: BrokerUnderTest): void {
  describe('consuming', () => {
    it('delivers what is published, to a consumer from before the start and to one from after it', async () => {
      const broker = under.broker();
      const early = new Inbox({ ack: true });
      const late = new Inbox({ ack: true });
      broker.consume(under.destination('early'), 4, early.take);
      await broker.start();
      await isUp(broker);
      broker.consume(under.destination('late'), 4, late.take);
      await isConsuming(broker, under.queue('late'));
      await isConsuming(broker, under.queue('early'));

      await broker.publish(start(1), under.destination('early'));
      await broker.publish(start(2), under.destination('late'));

      await early.has(1);
      await late.has(1);
      expect([...early.numbers, ...late.numbers]).to.deep.equal([1, 2]);
    });

    it('never hands out more than the prefetch, and more as each is acknowledged', async () => {
      const broker = await under.started();
      const destination = under.destination('prefetch');
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
      const broker = await under.started();
      const destination = under.destination('pause');
      const inbox = new Inbox({ ack: true });
      const subscription = broker.consume(destination, 2, inbox.take);
      await isConsuming(broker, under.queue('pause'));

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
      const broker = await under.started();
      const destination = under.destination('change');
      const queue = under.queue('change');
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
      const broker = await under.started();
      const destination = under.destination('storm');
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
      const broker = await under.started();
      const destination = under.destination('closing');
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
      const broker = await under.started();
      const destination = under.destination('throws');
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
      expect(under.thrown()).to.include('cannot handle start');
    });

    it('consumes again after its queue was deleted', async () => {
      const broker = await under.started();
      const destination = under.destination('deleted');
      const queue = under.queue('deleted');
      const inbox = new Inbox({ ack: true });
      broker.consume(destination, 2, inbox.take);
      await isConsuming(broker, queue);

      for (let round = 1; round <= 3; round++) {
        await under.deleteQueue(destination);
        await until('its channel to be replaced', () => broker.status().recycles === round);
        await isConsuming(broker, queue);
        expect(await broker.publish(start(round), destination)).to.equal('confirmed');
        await inbox.has(round);
      }
      expect(broker.status().reconnects).to.equal(0);
    });

    it('does not mind that its queue is purged', async () => {
      const broker = await under.started();
      const destination = under.destination('purged');
      const inbox = new Inbox({ ack: false });
      for (let n = 1; n <= 5; n++) await broker.publish(start(n), destination);
      const subscription = broker.consume(destination, 1, inbox.take);
      await inbox.has(1);

      await under.purge(destination);
      subscription.setPrefetch(3);
      await broker.publish(start(6), destination);

      await inbox.has(2);
      expect(inbox.numbers).to.deep.equal([1, 6]);
    });

    it('shares a queue among all who consume it', async () => {
      const destination = under.destination('shared');
      const inboxes = [new Inbox({ ack: true }), new Inbox({ ack: true })];
      const brokers = [await under.started(), await under.started()];
      for (const [n, broker] of brokers.entries()) {
        broker.consume(destination, 10, inboxes[n]!.take);
        await isConsuming(broker, under.queue('shared'));
      }

      for (let n = 1; n <= 20; n++) await brokers[0]!.publish(start(n), destination);

      await until('all of them', () => inboxes[0]!.numbers.length + inboxes[1]!.numbers.length === 20);
      for (const inbox of inboxes) expect(inbox.numbers).to.have.lengthOf.within(5, 15);
      expect(new Set(inboxes.flatMap(inbox => inbox.numbers)).size).to.equal(20);
    });
  });
}
