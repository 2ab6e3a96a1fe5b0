import type { Channel } from 'amqplib';
import type { Destination } from '../broker.js';
import { onOwnChannel } from './channel.js';
import type { Link } from './link.js';
import { asConflict } from './topology-conflict.js';

/*
 * Every exchange, queue, argument and binding. Arguments can never change: RabbitMQ answers 406 to a declaration that differs from
 * what exists. So only ceilings stand here, which no deployment should reach; an operator tightens them by policy, where the lower
 * value holds. Delivery limits are left alone: 4.x counts 20 by default, 3.10 none, and `-1` for "none" is refused by 3.10.
 * Nothing depends on that counter, as a dropped hint is hinted again.
 */

/** One ticket more than this wakes nobody who is not awake: the oldest go, and what they stood for is hinted again. */
const HINTS_AT_MOST = 1_000_000;
/** A hint has at most 1 KiB, but a stranger's message may have 128 MiB: this bounds the disk. */
const HINT_BYTES_AT_MOST = 268_435_456;
const DEAD_AT_MOST = 10_000;
const DEAD_BYTES_AT_MOST = 67_108_864;
/** Control messages are read at once; a process that does not read them needs none of last week. */
const CONTROL_AT_MOST = 1_000;
/** Some seconds of a busy deployment: a listener that is further behind is told to look for itself. */
const EVENTS_AT_MOST = 10_000;
const EVENT_BYTES_AT_MOST = 16_777_216;
/** 7 days without consumer or declaration: queue names come from users and hosts, and each quorum queue costs a Raft group. */
const UNUSED_FOR_MS = 604_800_000;

export interface Names {
  /** Direct: routing key = name of the queue. */
  tasks: string;
  /** Topic: state changes and progress. */
  events: string;
  /** Fanout to the control queue of every process. */
  control: string;
  /** Queue of what could not be understood. */
  dead: string;
  prefix: string;
}

export interface QueuePlan {
  name: string;
  arguments: Record<string, string | number>;
}

export function namesWith(prefix: string): Names {
  return {
    tasks: `${prefix}interlock.tasks`,
    events: `${prefix}interlock.events`,
    control: `${prefix}interlock.control`,
    dead: `${prefix}interlock.dead`,
    prefix,
  };
}

export function queueOf(names: Names, destination: Destination): QueuePlan {
  switch (destination.to) {
    case 'resource-manager':
      return { name: `${names.prefix}resource-manager`, arguments: hintArguments() };
    case 'queue':
      return { name: `${names.prefix}work.${destination.queue}`, arguments: { ...hintArguments(), 'x-expires': UNUSED_FOR_MS } };
    case 'worker':
      return {
        name: `${names.prefix}worker.${destination.worker}`,
        arguments: { ...hintArguments(), 'x-expires': UNUSED_FOR_MS },
      };
  }
}

export function deadQueue(names: Names): QueuePlan {
  return { name: names.dead, arguments: bounded(DEAD_AT_MOST, DEAD_BYTES_AT_MOST) };
}

/** What every role needs, whoever comes first. Safe to repeat. Throws `TopologyConflict` when something else has that name. */
export async function declareTopology(link: Link, names: Names): Promise<void> {
  await onOwnChannel(link, async channel => {
    await asConflict(declareExchanges(channel, names));
    await declareQueue(channel, names, queueOf(names, { to: 'resource-manager' }));
    await declareQueue(channel, names, deadQueue(names));
  });
}

/**
 * Durable and quorum: a confirm then means the disks of a majority (a durable classic queue without replicas lost nothing either,
 * but dies with its node), and 4.3 refuses queues that are neither durable nor exclusive.
 */
export async function declareQueue(channel: Channel, names: Names, plan: QueuePlan): Promise<void> {
  await asConflict(channel.assertQueue(plan.name, { durable: true, arguments: { 'x-queue-type': 'quorum', ...plan.arguments } }));
  await channel.bindQueue(plan.name, names.tasks, plan.name);
}

/** Exclusive: dies with its connection, the one kind of transient queue that 4.x still takes. The broker names it. */
export async function declareControlQueue(channel: Channel, names: Names): Promise<string> {
  const options = { exclusive: true, autoDelete: true, durable: false, arguments: { 'x-max-length': CONTROL_AT_MOST } };
  const { queue } = await channel.assertQueue('', options);
  await channel.bindQueue(queue, names.control, '');
  return queue;
}

/** The same for one listener to events; classic, as 4.x knows no exclusive quorum queue, and nobody wants these back after a restart. */
export async function declareEventQueue(channel: Channel, names: Names): Promise<string> {
  const queueArguments = { 'x-queue-type': 'classic', ...bounded(EVENTS_AT_MOST, EVENT_BYTES_AT_MOST) };
  const { queue } = await channel.assertQueue('', {
    exclusive: true,
    autoDelete: true,
    durable: false,
    arguments: queueArguments,
  });
  await channel.bindQueue(queue, names.events, 'task.#');
  return queue;
}

/** Exclusive, so whoever declares it holds it until its connection ends. Others get 405. */
export async function declareRepairLock(channel: Channel, queue: QueuePlan): Promise<void> {
  await channel.assertQueue(`${queue.name}.repair`, { exclusive: true, autoDelete: true, durable: false });
}

export function exchangesOf(names: Names): { name: string; type: 'direct' | 'topic' | 'fanout'; durable: true }[] {
  return [
    { name: names.tasks, type: 'direct', durable: true },
    { name: names.events, type: 'topic', durable: true },
    { name: names.control, type: 'fanout', durable: true },
  ];
}

async function declareExchanges(channel: Channel, names: Names): Promise<void> {
  for (const { name, type, durable } of exchangesOf(names)) await channel.assertExchange(name, type, { durable });
}

function hintArguments(): QueuePlan['arguments'] {
  return bounded(HINTS_AT_MOST, HINT_BYTES_AT_MOST);
}

/** Said in full, so that a policy with `reject-publish` cannot turn a full queue into failing publishes. */
function bounded(messages: number, bytes: number): QueuePlan['arguments'] {
  return { 'x-max-length': messages, 'x-max-length-bytes': bytes, 'x-overflow': 'drop-head' };
}
