import { connect, type Channel, type ChannelModel, type Message } from 'amqplib';

/** Hears a copy of everything that a deployment says by its broker: hints to these queues, events, and what goes to all processes. */
export class BrokerTap {
  /** Properties, headers and body of each. */
  readonly said: string[] = [];
  readonly #model: ChannelModel;
  readonly #channel: Channel;
  readonly #prefix: string;

  private constructor(model: ChannelModel, channel: Channel, prefix: string) {
    this.#model = model;
    this.#channel = channel;
    this.#prefix = prefix;
    for (const each of [model, channel]) each.on('error', () => undefined);
  }

  static async open(url: string, prefix: string, queues: readonly string[] = []): Promise<BrokerTap> {
    const model = await connect(url);
    const channel = await model.createChannel();
    const tap = new BrokerTap(model, channel, prefix);
    const { queue } = await channel.assertQueue('', { exclusive: true });
    for (const each of queues) await channel.bindQueue(queue, `${prefix}interlock.tasks`, `${prefix}${each}`);
    await channel.bindQueue(queue, `${prefix}interlock.events`, '#');
    await channel.bindQueue(queue, `${prefix}interlock.control`, '');
    await channel.consume(queue, message => message && tap.said.push(textOf(message)), { noAck: true });
    return tap;
  }

  /** To a queue, from a stranger. */
  send(queue: string, body: string): void {
    this.#channel.publish(`${this.#prefix}interlock.tasks`, `${this.#prefix}${queue}`, Buffer.from(body));
  }

  /** Takes the next one. */
  async deadLetter(): Promise<string | undefined> {
    const letter = await this.#channel.get(`${this.#prefix}interlock.dead`, { noAck: true });
    return letter === false ? undefined : textOf(letter);
  }

  close(): Promise<void> {
    return this.#model.close();
  }
}

function textOf({ fields, properties, content }: Message): string {
  return `${fields.exchange} ${fields.routingKey} ${JSON.stringify(properties)} ${content.toString()}`;
}
