import { expect } from 'chai';
import type { Control } from '../../../src/core/hint.js';
import { until } from '../../support/wait.js';
import { isLost, isUp, start, type BrokerUnderTest } from './support.js';

const cancel = (n: number): Control => ({ kind: 'cancel', task: start(n).task });

export function controlContract(under: BrokerUnderTest): void {
  describe('messages to every process', () => {
    it('reach each broker once, the sender too', async () => {
      const received: [Control[], Control[]] = [[], []];
      const first = under.broker();
      const second = under.broker();
      first.onControl(message => received[0].push(message));
      second.onControl(message => received[1].push(message));
      await Promise.all([first.start(), second.start()]);
      await Promise.all([isUp(first), isUp(second)]);

      first.broadcast(cancel(1));
      second.broadcast(cancel(2));

      await until('both at both', () => received.every(messages => messages.length >= 2));
      for (const messages of received) expect(messages).to.have.deep.members([cancel(1), cancel(2)]);
    });

    it('are heard again after every connection was lost, and those from meanwhile are not', async () => {
      const broker = await under.started();
      const received: Control[] = [];
      broker.onControl(message => received.push(message));
      under.setReachable(false);
      await isLost(broker);
      broker.broadcast(cancel(3));
      under.setReachable(true);
      await isUp(broker);

      broker.broadcast(cancel(4));

      await until('the message', () => received.length > 0);
      expect(received).to.deep.equal([cancel(4)]);
    });

    it('reach every handler, though one throws', async () => {
      const broker = await under.started();
      const received: Control[] = [];
      broker.onControl(() => {
        throw new Error('no control');
      });
      broker.onControl(message => received.push(message));

      broker.broadcast(cancel(5));
      broker.broadcast(cancel(6));

      await until('both messages', () => received.length === 2);
      expect(received).to.deep.equal([cancel(5), cancel(6)]);
      expect(under.thrown()).to.include('no control');
      expect(broker.status().reconnects).to.equal(0);
    });
  });
}
