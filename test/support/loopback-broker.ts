import type { Broker, Delivery, Destination } from '../../src/broker/broker.js';
import type { Hint } from '../../src/core/hint.js';

/** Hands hints over within this process: for measuring one role alone, without the broker's share. */
export interface LoopbackBroker extends Broker {
  /** Hints to workers so far. */
  started: number;
}

export function loopbackBroker(): LoopbackBroker {
  const consumers = new Map<string, (delivery: Delivery) => void>();
  const key = (destination: Destination): string => JSON.stringify(destination);
  const broker: LoopbackBroker = {
    started: 0,
    start: () => Promise.resolve(),
    close: () => Promise.resolve(),
    publish: (hint: Hint, destination) => {
      if (hint.kind === 'start') broker.started++;
      consumers.get(key(destination))?.({ hint, ack: () => undefined });
      return Promise.resolve('confirmed');
    },
    consume: (destination, _prefetch, onDelivery) => {
      consumers.set(key(destination), onDelivery);
      return {
        setPrefetch: () => undefined,
        close: () => {
          consumers.delete(key(destination));
          return Promise.resolve();
        },
      };
    },
    broadcast: () => undefined,
    onControl: () => undefined,
    emit: () => undefined,
    listen: () => ({ live: true, close: () => Promise.resolve() }),
    depth: () => Promise.resolve(undefined),
    status: () => ({
      state: 'up',
      consumers: [],
      reconnects: 0,
      recycles: 0,
      returned: 0,
      deferred: 0,
      dead: 0,
      deadBy: { size: 0, format: 0, version: 0, content: 0 },
      eventsDropped: 0,
    }),
  };
  return broker;
}
