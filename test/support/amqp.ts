import { connect, type Channel, type ChannelModel } from 'amqplib';
import { randomBytes } from 'node:crypto';
import { eachAddress } from '../../src/core/address-list.js';
import { testServers } from './servers.js';

/** A prefix for the exchanges and queues of one test file. */
export function freshPrefix(): string {
  return `test-${randomBytes(4).toString('hex')}.`;
}

/** Bare hands at the broker: what a stranger, an operator or an older version might do there. */
export class RawAmqp {
  readonly #model: ChannelModel;

  private constructor(model: ChannelModel) {
    this.#model = model;
  }

  static async connect(url = testServers().amqpUrl): Promise<RawAmqp> {
    const model = await connect(eachAddress(url)[0]!);
    model.on('error', () => undefined);
    return new RawAmqp(model);
  }

  /** Does one thing on a channel of its own, which an error may close. */
  async on<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.#model.createChannel();
    channel.on('error', () => undefined);
    try {
      return await work(channel);
    } finally {
      await channel.close().catch(() => undefined);
    }
  }

  /** Messages ready and consumers; undefined when there is no such queue. */
  async depth(queue: string): Promise<{ messages: number; consumers: number } | undefined> {
    try {
      const { messageCount, consumerCount } = await this.on(channel => channel.checkQueue(queue));
      return { messages: messageCount, consumers: consumerCount };
    } catch {
      return undefined;
    }
  }

  async deleteQueue(queue: string): Promise<void> {
    await this.on(channel => channel.deleteQueue(queue));
  }

  /** Removes what a broker with this prefix left: its own topology and the named queues. Deleting what is not there is no error. */
  async cleanUp(prefix: string, queues: string[]): Promise<void> {
    for (const queue of ['resource-manager', 'interlock.dead', ...queues]) await this.deleteQueue(`${prefix}${queue}`);
    for (const exchange of ['interlock.tasks', 'interlock.events', 'interlock.control']) {
      await this.on(channel => channel.deleteExchange(`${prefix}${exchange}`));
    }
  }

  async close(): Promise<void> {
    await this.#model.close();
  }
}
