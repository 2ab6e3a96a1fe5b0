import { RawAmqp } from '../../support/amqp.js';

/** Queues of a peer, seen from outside; and removed at the end with their exchanges, which bear the same names. */
export class DurableQueues {
  readonly #amqp: RawAmqp;
  readonly #names: string[] = [];

  private constructor(amqp: RawAmqp) {
    this.#amqp = amqp;
  }

  static async connect(url: string): Promise<DurableQueues> {
    return new DurableQueues(await RawAmqp.connect(url));
  }

  /** A name that no queue has. */
  next(): string {
    const name = `bench-peers-${process.pid}-${this.#names.length}`;
    this.#names.push(name);
    return name;
  }

  /** Whether the queue outlives the broker, and the first message that waits in it, too. */
  async look(queue: string): Promise<{ queue: string; messages: string }> {
    const deliveryMode = await this.#amqp.on(async channel => {
      const message = await channel.get(queue, { noAck: false });
      return message === false ? undefined : (message.properties.deliveryMode as number);
    });
    const durable = await this.#refusesToForget(queue);
    return {
      queue: durable ? 'durable' : 'transient',
      messages: deliveryMode === 2 ? 'persistent' : `delivery mode ${deliveryMode ?? 'of no message'}`,
    };
  }

  async close(): Promise<void> {
    for (const name of this.#names) {
      await this.#amqp.deleteQueue(name);
      await this.#amqp.on(channel => channel.deleteExchange(name));
    }
    await this.#amqp.close();
  }

  /** The broker says whether a queue is durable only to who declares it otherwise. */
  async #refusesToForget(queue: string): Promise<boolean> {
    try {
      await this.#amqp.on(channel => channel.assertQueue(queue, { durable: false }));
      return false;
    } catch (error) {
      return /inequivalent arg 'durable'.*current is 'true'/.test(String(error));
    }
  }
}
