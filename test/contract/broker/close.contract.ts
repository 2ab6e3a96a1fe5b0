import { expect } from 'chai';
import { until } from '../../support/wait.js';
import { Inbox, start, type BrokerUnderTest } from './support.js';

export function closeContract(under: BrokerUnderTest): void {
  describe('closing', () => {
    it('may be repeated, and nothing is sent after it', async () => {
      const broker = await under.started();
      const destination = under.destination('plain');
      broker.consume(destination, 1, () => undefined);

      await Promise.all([broker.close(), broker.close()]);
      await broker.close();

      expect(broker.status().state).to.equal('closed');
      expect(await broker.publish(start(1), destination)).to.equal('deferred');
      expect(await broker.depth(destination)).to.equal(undefined);
    });

    it('lets the last acknowledgements reach the broker', async () => {
      const broker = await under.started();
      const destination = under.destination('last-acks');
      const inbox = new Inbox({ ack: false });
      for (let n = 1; n <= 20; n++) await broker.publish(start(n), destination);
      broker.consume(destination, 20, inbox.take);
      await inbox.has(20);

      for (const delivery of inbox.deliveries) delivery.ack();
      await broker.close();

      const other = await under.started();
      await until('the consumer to be gone', async () => (await other.depth(destination))?.consumers === 0);
      expect(await other.depth(destination)).to.deep.equal({ messages: 0, consumers: 0 });
    });

    it('needs no start before it', async () => {
      const broker = under.broker();
      await broker.close();
      await broker.start();
      expect(broker.status().state).to.equal('closed');
    });

    it('hands what was unacknowledged to others, oldest first and before what is new', async () => {
      const [leaving, staying] = [await under.started(), await under.started()];
      const destination = under.destination('handed-over');
      const [held, taken] = [new Inbox({ ack: false }), new Inbox({ ack: true })];
      for (let n = 1; n <= 4; n++) await leaving.publish(start(n), destination);
      leaving.consume(destination, 2, held.take);
      await held.has(2);

      await leaving.close();
      for (const delivery of held.deliveries) delivery.ack();
      await until('all to be there', async () => (await staying.depth(destination))?.messages === 4);
      staying.consume(destination, 1, taken.take);

      await taken.has(4);
      expect(taken.numbers).to.deep.equal([1, 2, 3, 4]);
    });
  });
}
