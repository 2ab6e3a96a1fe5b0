import { SimulatedExchange, type SimulatedBroker } from '../../simulation/broker/exchange.js';
import { later } from '../../support/later.js';
import { isUp, type BrokerUnderTest } from './support.js';

/** The simulated broker in fair weather and real time: nothing is lost, everything takes a turn. Registers its own hooks. */
export function simulatedUnderTest(): BrokerUnderTest {
  let exchange: SimulatedExchange;
  let brokers: SimulatedBroker[];
  let thrown: string[];

  beforeEach(() => {
    exchange = new SimulatedExchange({ fate: () => [0], later });
    brokers = [];
    thrown = [];
  });
  afterEach(async () => {
    await Promise.all(brokers.map(broker => broker.close()));
  });

  const connect = (): SimulatedBroker => {
    const broker = exchange.connect('test', {
      threw: error => thrown.push(error instanceof Error ? error.message : String(error)),
    });
    brokers.push(broker);
    return broker;
  };
  return {
    broker: connect,
    async started() {
      const broker = connect();
      await broker.start();
      await isUp(broker);
      return broker;
    },
    destination: name => ({ to: 'queue', queue: name }),
    queue: name => `work.${name}`,
    worker: name => ({ to: 'worker', worker: name }),
    thrown: () => thrown,
    purge(destination) {
      exchange.purge(destination);
      return Promise.resolve();
    },
    deleteQueue(destination) {
      exchange.deleteQueue(destination);
      return Promise.resolve();
    },
    cut: () => brokers.forEach(broker => broker.cut()),
    setReachable: reachable => exchange.setUp(reachable),
  };
}
