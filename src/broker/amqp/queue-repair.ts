import { onOwnChannel } from './channel.js';
import { within } from './deadline.js';
import { dial, type Link } from './link.js';
import type { AmqpOptions, AmqpTiming } from './options.js';
import { declareQueue, declareRepairLock, type Names, type QueuePlan } from './topology.js';

/** `busy`: another process is at it. `served`: the queue has messages or consumers, or answers; it is left alone. */
export type Repair = 'repaired' | 'busy' | 'served';

export interface RepairPlan {
  options: AmqpOptions;
  names: Names;
  timing: AmqpTiming;
  stop: AbortSignal;
}

/**
 * Deletes a queue that nobody can use, and declares it anew. Hints are expendable, and only a queue that counts neither messages nor
 * consumers goes. Each step has `rpcMs`; deleting a queue without a leader was measured at 5.0 s. Rejects when a step fails, and soon
 * after `stop`.
 */
export function repairQueue(queue: QueuePlan, plan: RepairPlan): Promise<Repair> {
  const step = <T>(what: string, work: Promise<T>): Promise<T> => within(plan.timing.rpcMs, `${what} ${queue.name}`, work);
  return onOwnLink(plan, async link => {
    if (!(await step('locking', lock(link, queue)))) return 'busy';
    if ((await step('counting', isInUse(link, queue))) || (await answers(queue, plan))) return 'served';
    const deleting = onOwnChannel(link, channel => channel.deleteQueue(queue.name));
    await step('deleting', deleting);
    const declaring = onOwnChannel(link, channel => declareQueue(channel, plan.names, queue));
    await step('declaring', declaring);
    return 'repaired';
  });
}

/** Connections that waited for a broken queue are wedged, and some questions to it end theirs. */
async function onOwnLink<T>({ options, stop, timing }: RepairPlan, work: (link: Link) => Promise<T>): Promise<T> {
  const link = await dial(options, `${options.name} repair`, timing, stop);
  const abandon = (): void => link.destroy(new Error('the broker client is closing'));
  stop.addEventListener('abort', abandon, { once: true });
  try {
    stop.throwIfAborted();
    return await work(link);
  } finally {
    stop.removeEventListener('abort', abandon);
    link.destroy(new Error('done'));
  }
}

/** One at a time in a whole fleet. */
async function lock(link: Link, queue: QueuePlan): Promise<boolean> {
  try {
    await onOwnChannel(link, channel => declareRepairLock(channel, queue));
    return true;
  } catch (error) {
    if (error instanceof Error && /\b405\b|RESOURCE.LOCKED/.test(error.message)) return false;
    throw error;
  }
}

/** A broken queue counts nothing, whatever was in it. */
async function isInUse(link: Link, queue: QueuePlan): Promise<boolean> {
  const { consumerCount, messageCount } = await onOwnChannel(link, channel => channel.checkQueue(queue.name));
  return consumerCount > 0 || messageCount > 0;
}

/** Asks for a message, which goes back with the channel. A broken queue is silent, or ends the connection (541). */
function answers(queue: QueuePlan, plan: RepairPlan): Promise<boolean> {
  return onOwnLink(plan, link => {
    const asking = onOwnChannel(link, channel => channel.get(queue.name));
    return within(plan.timing.rpcMs, `asking ${queue.name}`, asking).then(
      () => true,
      () => false,
    );
  });
}
