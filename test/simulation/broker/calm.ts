import type { VirtualTime } from '../../support/virtual-time.js';
import { SimulatedExchange, type SimulatedBroker } from './exchange.js';

/** A broker server on which nothing is lost or doubled; whatever it does takes `lagMs` more. */
export function calmExchange(time: VirtualTime, lagMs = 1): SimulatedExchange {
  return new SimulatedExchange({
    fate: () => [0],
    later: (ms, work) => void time.runtime.timers.sleep(ms + lagMs).then(work),
  });
}

/** A process that is connected to it. */
export async function connected(exchange: SimulatedExchange, time: VirtualTime, name: string): Promise<SimulatedBroker> {
  const broker = exchange.connect(name);
  await Promise.all([broker.start(), time.advance(1_000)]);
  return broker;
}
