import { expect } from 'chai';
import type { Broker, EventFeed } from '../../../src/broker/broker.js';
import type { TaskEvent } from '../../../src/core/event.js';
import { until } from '../../support/wait.js';
import { isLost, isUp, start, type BrokerUnderTest } from './support.js';

export function eventNumber(n: number): TaskEvent {
  return {
    ...{ kind: 'task', id: start(n).task, name: 'contract', state: 'running', attempt: 1, queue: 'default' },
    ...{ tags: ['é'], correlationId: 'c', at: new Date(n) },
  };
}

/** What one listener was told, in order: numbers of events, and why something may be missing. */
export class Ear {
  readonly heard: (number | string)[] = [];
  readonly feed: EventFeed;

  constructor(broker: Broker) {
    this.feed = broker.listen({
      event: ({ at }) => void this.heard.push(at.getTime()),
      missed: why => void this.heard.push(why),
    });
  }

  async hears(): Promise<void> {
    await until('it to hear', () => this.feed.live);
  }

  async has(heard: (number | string)[]): Promise<void> {
    await until(`${heard.length} things to be heard`, () => this.heard.length >= heard.length);
    expect(this.heard).to.deep.equal(heard);
  }
}

export function eventsContract(under: BrokerUnderTest): void {
  describe('events', () => {
    it('reach every listener, in the order of their emitter, as they were emitted', async () => {
      const [emitter, other] = [await under.started(), await under.started()];
      const whole: TaskEvent[] = [];
      const ears = [new Ear(emitter), new Ear(other)];
      const feed = other.listen({ event: event => void whole.push(event), missed: () => undefined });
      await Promise.all(ears.map(ear => ear.hears()));
      await until('the third to hear', () => feed.live);

      for (let n = 1; n <= 50; n++) emitter.emit(eventNumber(n));

      const numbers = Array.from({ length: 50 }, (_, n) => n + 1);
      for (const ear of ears) await ear.has(['connection', ...numbers]);
      await until('all of them', () => whole.length === 50);
      expect(whole[2]).to.deep.equal(eventNumber(3));
      expect(emitter.status().eventsDropped).to.equal(0);
    });

    it('are nobody else’s business: without a listener they are gone, and a later one hears only what comes', async () => {
      const broker = await under.started();
      broker.emit(eventNumber(1));
      const ear = new Ear(broker);
      await ear.hears();
      broker.emit(eventNumber(2));
      await ear.has(['connection', 2]);
    });

    it('are not heard after the close', async () => {
      const broker = await under.started();
      const [ear, other] = [new Ear(broker), new Ear(broker)];
      await Promise.all([ear.hears(), other.hears()]);
      await ear.feed.close();
      broker.emit(eventNumber(1));
      await other.has(['connection', 1]);
      expect(ear.heard).to.deep.equal(['connection']);
      expect(ear.feed.live).to.equal(false);
      expect(broker.status().reconnects).to.equal(0);
    });

    it('are dropped without a connection, counted, and kept for nobody', async () => {
      const broker = under.broker();
      broker.emit(eventNumber(1));
      expect(broker.status().eventsDropped).to.equal(1);
      await broker.start();
      await isUp(broker);
      const ear = new Ear(broker);
      await ear.hears();
      broker.emit(eventNumber(2));
      await ear.has(['connection', 2]);
    });

    it('may be missing after a loss of the connection, which is told', async () => {
      const broker = await under.started();
      const ear = new Ear(broker);
      await ear.hears();
      under.setReachable(false);
      await isLost(broker);
      expect(ear.feed.live).to.equal(false);
      broker.emit(eventNumber(1));
      under.setReachable(true);
      await isUp(broker);
      await ear.hears();
      broker.emit(eventNumber(2));
      await ear.has(['connection', 'connection', 2]);
    });

    it('go on for a listener that throws', async () => {
      const broker = await under.started();
      const ear = new Ear(broker);
      const feed = broker.listen({
        event: () => {
          throw new Error('no event');
        },
        missed: () => undefined,
      });
      await ear.hears();
      await until('the other to hear', () => feed.live);
      broker.emit(eventNumber(1));
      broker.emit(eventNumber(2));
      await ear.has(['connection', 1, 2]);
      expect(under.thrown()).to.include('no event');
      expect(broker.status().reconnects).to.equal(0);
    });
  });
}
