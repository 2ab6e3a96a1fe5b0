import type { Destination } from '../broker.js';
import type { BrokerInventory } from '../inventory.js';
import { deadQueue, exchangesOf, queueOf, type Names, type QueuePlan } from './topology.js';

type Depth = { messages: number; consumers: number } | undefined;

const NOT_CAPTURED = [
  'users, permissions, vhosts, policies and parameters: `rabbitmqctl export_definitions FILE` on a node writes them',
  'messages: each is a hint at a record of the database, and is made anew',
  "queues and exchanges of others, and each process's own control queue",
];

/** Our own topology, with what a passive declaration of each queue tells. */
export async function inventoryOf(
  names: Names,
  server: string,
  depthOf: (queue: string) => Promise<Depth>,
  destinations: readonly Destination[],
): Promise<BrokerInventory> {
  const plans = [deadQueue(names), ...destinations.map(destination => queueOf(names, destination))];
  const queues: BrokerInventory['queues'] = [];
  for (const plan of plans) queues.push(described(plan, names, await depthOf(plan.name)));
  return { server, prefix: names.prefix, exchanges: exchangesOf(names), queues, notCaptured: NOT_CAPTURED };
}

function described(plan: QueuePlan, names: Names, depth: Depth): BrokerInventory['queues'][number] {
  const { messages = null, consumers = null } = depth ?? {};
  return { name: plan.name, arguments: plan.arguments, boundTo: names.tasks, messages, consumers };
}
