import { expect } from 'chai';
import { Inbox, start, type BrokerUnderTest } from './support.js';

export function publishContract(under: BrokerUnderTest): void {
  describe('publishing', () => {
    it('declares a queue that nobody has consumed yet, so that its first worker finds the hints', async () => {
      const broker = await under.started();
      const destination = under.destination('no-worker-yet');
      const returned = broker.status().returned;

      const results = await Promise.all([1, 2, 3].map(n => broker.publish(start(n), destination)));

      expect(results).to.deep.equal(['confirmed', 'confirmed', 'confirmed']);
      expect(broker.status().returned).to.be.above(returned);
      expect(await broker.depth(destination)).to.deep.equal({ messages: 3, consumers: 0 });
    });

    it('keeps the order of hints of one queue', async () => {
      const broker = await under.started();
      const destination = under.destination('order');
      await broker.publish(start(0), destination);

      const numbers = Array.from({ length: 200 }, (_, n) => n + 1);
      const results = await Promise.all(numbers.map(n => broker.publish(start(n), destination)));

      expect(results.every(result => result === 'confirmed')).to.equal(true);
      const inbox = new Inbox({ ack: true });
      broker.consume(destination, 1, inbox.take);
      await inbox.has(201);
      expect(inbox.numbers).to.deep.equal([0, ...numbers]);
    });

    it('reaches a worker by its own queue, whatever is in its name', async () => {
      const broker = await under.started();
      const destination = under.worker('worker@host-1.example:a/b c.ü');

      expect(await broker.publish(start(7), destination)).to.equal('confirmed');
      expect(await broker.depth(destination)).to.deep.equal({ messages: 1, consumers: 0 });
    });

    it('finds the queue of the resource manager declared', async () => {
      const broker = await under.started();
      const { returned } = broker.status();

      expect(await broker.publish({ kind: 'changed', tasks: [start(1).task] }, { to: 'resource-manager' })).to.equal('confirmed');

      expect(broker.status().returned).to.equal(returned);
      expect(await broker.depth({ to: 'resource-manager' })).to.deep.equal({ messages: 1, consumers: 0 });
    });

    it('knows no depth of a queue that was never declared', async () => {
      const broker = await under.started();
      expect(await broker.depth(under.destination('never-declared'))).to.equal(undefined);
    });

    it('defers before the start', async () => {
      expect(await under.broker().publish(start(1), under.destination('unstarted'))).to.equal('deferred');
    });
  });
}
