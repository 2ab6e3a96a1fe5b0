import type { Channel } from 'amqplib';
import { randomUUID } from 'node:crypto';
import { eachAddress } from '../../core/address-list.js';
import type { Destination } from '../broker.js';
import type { BrokerDiagnosis, ReachedBroker, SeenQueue } from '../diagnosis.js';
import { onOwnChannel, openChannel } from './channel.js';
import { explain, within } from './deadline.js';
import { dial, type Link } from './link.js';
import { DEFAULT_AMQP_TIMING, type AmqpOptions } from './options.js';
import { asConflict, TopologyConflict } from './topology-conflict.js';
import { deadQueue, exchangesOf, namesWith, queueOf, type Names, type QueuePlan } from './topology.js';

const { rpcMs, publishMs } = DEFAULT_AMQP_TIMING;

/**
 * Looks at a broker and at our topology on it. What exists is declared once more exactly as we need it, which the broker answers with 406 where it is
 * different, and which never changes it. Never throws for what it finds there.
 */
export async function diagnoseAmqp(options: AmqpOptions, destinations: readonly Destination[]): Promise<BrokerDiagnosis> {
  const failures: string[] = [];
  for (const url of eachAddress(options.url)) {
    const over = new AbortController();
    try {
      const link = await dial({ ...options, url }, options.name, DEFAULT_AMQP_TIMING, over.signal);
      try {
        return await new Examination(link, namesWith(options.prefix ?? '')).run(destinations);
      } finally {
        link.destroy(new Error('looked at'));
      }
    } catch (error) {
      const why = explain(error);
      if (isRefusal(why)) return { state: 'refused', why };
      failures.push(why);
    }
  }
  return { state: 'unreachable', why: failures.join('; ') };
}

function isRefusal(why: string): boolean {
  return /ACCESS.REFUSED|NOT.ALLOWED|\b40[35]\b|\b530\b|refused after the login|Handshake terminated by server: 403/i.test(why);
}

class Examination {
  readonly #link: Link;
  readonly #names: Names;
  readonly #found: ReachedBroker;

  constructor(link: Link, names: Names) {
    this.#link = link;
    this.#names = names;
    this.#found = { state: 'reached', version: link.version, mayNot: [], missing: [], drift: [], queues: [], dead: undefined };
  }

  async run(destinations: readonly Destination[]): Promise<ReachedBroker> {
    for (const exchange of exchangesOf(this.#names)) await this.#exchange(exchange);
    for (const destination of destinations) this.#found.queues.push(await this.#queue(destination));
    const dead = deadQueue(this.#names);
    this.#found.dead = (await this.#declared(dead))?.messageCount;
    if (this.#found.dead === undefined) this.#found.missing.push({ kind: 'queue', name: dead.name });
    await this.#write();
    if (this.#found.alarm === undefined && this.#found.dead === 0) await this.#read(dead.name);
    return this.#found;
  }

  async #exchange({ name, type, durable }: ReturnType<typeof exchangesOf>[number]): Promise<void> {
    if ((await this.#ask(`exchange ${name}`, channel => channel.checkExchange(name))) === undefined)
      this.#found.missing.push({ kind: 'exchange', name });
    else await this.#same(channel => channel.assertExchange(name, type, { durable }));
  }

  async #queue(destination: Destination): Promise<SeenQueue> {
    const plan = queueOf(this.#names, destination);
    const depth = await this.#declared(plan);
    if (!depth && destination.to === 'resource-manager') this.#found.missing.push({ kind: 'queue', name: plan.name });
    return { destination, name: plan.name, ...(depth && { messages: depth.messageCount, consumers: depth.consumerCount }) };
  }

  /** Undefined: there is no such queue. */
  async #declared(plan: QueuePlan): Promise<{ messageCount: number; consumerCount: number } | undefined> {
    const found = await this.#ask(`queue ${plan.name}`, channel => channel.checkQueue(plan.name));
    const wanted = { durable: true, arguments: { 'x-queue-type': 'quorum', ...plan.arguments } };
    if (found) await this.#same(channel => channel.assertQueue(plan.name, wanted));
    return found;
  }

  /** Undefined for 404; what else goes wrong is thrown. */
  async #ask<T>(what: string, ask: (channel: Channel) => Promise<T>): Promise<T | undefined> {
    try {
      return await within(rpcMs, `asking for the ${what}`, onOwnChannel(this.#link, ask));
    } catch (error) {
      if (/\b404\b|NOT.FOUND/.test(explain(error))) return undefined;
      throw error;
    }
  }

  async #same(declare: (channel: Channel) => Promise<unknown>): Promise<void> {
    try {
      await within(
        rpcMs,
        'comparing',
        onOwnChannel(this.#link, channel => asConflict(declare(channel))),
      );
    } catch (error) {
      if (error instanceof TopologyConflict) this.#found.drift.push(error.message);
      else if (/\b403\b|ACCESS.REFUSED/.test(explain(error))) this.#may('configure', explain(error));
      else throw error;
    }
  }

  /** A message that no queue wants comes back; one that may not be sent closes the channel; one that an alarm holds back is told to be blocked. */
  async #write(): Promise<void> {
    const exchange = this.#names.tasks;
    if (this.#found.missing.some(({ name }) => name === exchange)) return;
    const channel = await openChannel(this.#link);
    const answer = new Promise<void>(resolve => {
      channel.once('return', () => resolve());
      channel.once('error', (error: Error) => {
        this.#may('write', error.message);
        resolve();
      });
      this.#link.model.once('blocked', (reason: string) => {
        this.#found.alarm = reason;
        resolve();
      });
    });
    channel.publish(exchange, `interlock.doctor.${randomUUID()}`, Buffer.alloc(0), { mandatory: true });
    await within(publishMs, 'publishing', answer);
    if (this.#found.alarm === undefined) channel.close().catch(() => undefined); // closed already where it was refused
  }

  /** Of a queue that was seen empty. A message that comes all the same goes back where it was. */
  async #read(queue: string): Promise<void> {
    try {
      await within(
        rpcMs,
        `reading ${queue}`,
        onOwnChannel(this.#link, async channel => {
          const message = await channel.get(queue, { noAck: false });
          if (message !== false) channel.nack(message, false, true);
        }),
      );
    } catch (error) {
      if (!/\b403\b|ACCESS.REFUSED/.test(explain(error))) throw error;
      this.#may('read', explain(error));
    }
  }

  #may(permission: 'configure' | 'write' | 'read', answer: string): void {
    if (!this.#found.mayNot.some(each => each.permission === permission)) this.#found.mayNot.push({ permission, answer });
  }
}
