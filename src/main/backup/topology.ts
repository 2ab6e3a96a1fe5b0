import type { AmqpBroker } from '../../broker/amqp/broker.js';
import { TopologyConflict } from '../../broker/amqp/topology-conflict.js';
import type { Destination } from '../../broker/broker.js';
import type { BrokerInventory } from '../../broker/inventory.js';
import { InterlockError } from '../../core/errors.js';

/** Every queue that hints may stand in. */
function destinationsOf(queues: readonly string[], workers: readonly string[]): Destination[] {
  return [
    { to: 'resource-manager' },
    ...queues.map((queue): Destination => ({ to: 'queue', queue })),
    ...workers.map((worker): Destination => ({ to: 'worker', worker })),
  ];
}

/** Undefined when the broker does not answer, or has something else under our names. Closes it. */
export async function inventoryAt(
  broker: AmqpBroker,
  queues: readonly string[],
  workers: readonly string[],
): Promise<BrokerInventory | undefined> {
  try {
    await broker.start();
    return await broker.inventory(destinationsOf(queues, workers));
  } catch (error) {
    if (error instanceof TopologyConflict) return undefined;
    throw error;
  } finally {
    await broker.close();
  }
}

/** Whether all of them are there now. Closes the broker. Throws InterlockError `CONFLICT` when something else has one of our names. */
export async function topologyAt(broker: AmqpBroker, queues: readonly string[], workers: readonly string[]): Promise<boolean> {
  try {
    await broker.start();
    return await broker.declare(destinationsOf(queues, workers));
  } catch (error) {
    throw error instanceof TopologyConflict ? new InterlockError('CONFLICT', `RabbitMQ: ${error.message}`) : error;
  } finally {
    await broker.close();
  }
}
