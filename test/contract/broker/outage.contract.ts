import { expect } from 'chai';
import type { Broker } from '../../../src/broker/broker.js';
import { until } from '../../support/wait.js';
import { Inbox, isConsuming, isLost, isUp, start, type BrokerUnderTest } from './support.js';

export function outageContract(under: BrokerUnderTest): void {
  const isBack = async (broker: Broker): Promise<void> => {
    await until('the connection to be back', () => broker.status().reconnects >= 1 && broker.status().state === 'up');
  };

  describe('losing the connection', () => {
    it('is mended by itself: it publishes and consumes again', async () => {
      const broker = await under.started();
      const destination = under.destination('cut');
      const inbox = new Inbox({ ack: true });
      broker.consume(destination, 2, inbox.take);
      await isConsuming(broker, under.queue('cut'));

      under.cut();
      await isBack(broker);
      await isConsuming(broker, under.queue('cut'));

      expect(await broker.publish(start(1), destination)).to.equal('confirmed');
      await inbox.has(1);
      expect(broker.status().recycles).to.equal(0);
    });

    it('brings back what was unacknowledged, and an acknowledgement from before counts for nothing', async () => {
      const broker = await under.started();
      const destination = under.destination('stale');
      const inbox = new Inbox({ ack: false });
      broker.consume(destination, 1, inbox.take);
      await broker.publish(start(1), destination);
      await inbox.has(1);

      under.cut();
      await isBack(broker);
      await inbox.has(2);
      // On AMQP both have tag 1, each on its own channel: sent, it would acknowledge the wrong delivery.
      inbox.deliveries[0]!.ack();
      await broker.publish(start(2), destination);

      expect(await broker.depth(destination)).to.include({ messages: 1 });
      inbox.deliveries[1]!.ack();
      await inbox.has(3);
      expect(inbox.numbers).to.deep.equal([1, 1, 2]);
      expect(broker.status().recycles).to.equal(0);
    });

    it('defers what is published meanwhile, and sends nothing of it later', async () => {
      const broker = await under.started();
      const destination = under.destination('away');
      await broker.publish(start(1), destination);
      under.setReachable(false);
      await isLost(broker);
      const { deferred } = broker.status();

      const results = await Promise.all([2, 3, 4].map(n => broker.publish(start(n), destination)));
      expect(results).to.deep.equal(['deferred', 'deferred', 'deferred']);
      expect(broker.status().deferred).to.equal(deferred + 3);
      expect(await broker.depth(destination)).to.equal(undefined);

      under.setReachable(true);
      await isUp(broker);
      expect(await broker.publish(start(5), destination)).to.equal('confirmed');
      expect(await broker.depth(destination)).to.deep.equal({ messages: 2, consumers: 0 });
    });

    it('keeps the prefetch that was set meanwhile', async () => {
      const broker = await under.started();
      const destination = under.destination('prefetch-meanwhile');
      const queue = under.queue('prefetch-meanwhile');
      const inbox = new Inbox({ ack: false });
      for (let n = 1; n <= 5; n++) await broker.publish(start(n), destination);
      const subscription = broker.consume(destination, 4, inbox.take);
      await inbox.has(4);

      under.setReachable(false);
      await isLost(broker);
      expect(broker.status().consumers).to.deep.equal([{ queue, consuming: false }]);
      for (const prefetch of [0, 7, 2]) subscription.setPrefetch(prefetch);
      under.setReachable(true);
      await isConsuming(broker, queue);

      await inbox.has(6);
      // A broker that has just lost a consumer may take a moment to count.
      await until('what is left to be counted', async () => (await broker.depth(destination))?.messages === 3);
    });

    it('may last from before the start, which ends nevertheless', async () => {
      under.setReachable(false);
      const broker = under.broker();
      const destination = under.destination('late-server');
      const inbox = new Inbox({ ack: true });
      broker.consume(destination, 1, inbox.take);

      await broker.start();
      expect(broker.status().state).to.equal('connecting');
      under.setReachable(true);
      await isUp(broker);

      await broker.publish(start(1), destination);
      await inbox.has(1);
      expect(broker.status().reconnects).to.equal(0);
    });
  });
}
