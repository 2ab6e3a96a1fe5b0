import type { Channel, ConsumeMessage } from 'amqplib';
import { discard, openChannel, whenEnded } from './channel.js';
import type { Link } from './link.js';
import { Portions, type Portion } from './portions.js';
import { declareQueue, type Names, type QueuePlan } from './topology.js';

export interface ChannelEvents {
  /** Takes one delivery; `ack` may be called later, and any number of times. */
  take(message: ConsumeMessage, ack: () => void): void;
  /** An acknowledgement made room that takes `settle` to use. */
  roomChanged(): void;
  /** The channel ended, or the broker cancelled a consumer because its queue was deleted. */
  lost(channel: ConsumerChannel, cause: Error): void;
}

interface Arrival {
  message: ConsumeMessage;
  portion: Portion;
}

/**
 * One generation of delivery tags. They start again at 1 on the next channel, where acknowledging an old one is a protocol error that
 * closes it (406), so an acknowledgement goes to the channel of its delivery or nowhere.
 */
export class ConsumerChannel {
  /** Deliveries that may be unacknowledged. */
  limit: number;
  readonly #channel: Channel;
  readonly #queue: string;
  readonly #events: ChannelEvents;
  readonly #portions = new Portions();
  /** Arrived beyond the limit, while cancelling was under way. Handed back at once, they would come again at once. */
  #parked: Arrival[] = [];
  #alive = true;
  #tags = 0;
  /** Handed out and not acknowledged. */
  #given = 0;
  #verified = false;
  #lastMs = performance.now();

  private constructor(channel: Channel, queue: string, limit: number, events: ChannelEvents) {
    this.#channel = channel;
    this.#queue = queue;
    this.limit = limit;
    this.#events = events;
  }

  /** Opens a channel and declares the queue. Throws `TopologyConflict`, or what amqplib throws. */
  static async open(
    link: Link,
    plan: { queue: QueuePlan; names: Names; limit: number },
    events: ChannelEvents,
  ): Promise<ConsumerChannel> {
    const channel = await openChannel(link);
    const opened = new ConsumerChannel(channel, plan.queue.name, plan.limit, events);
    whenEnded(channel, cause => opened.#end(cause));
    await declareQueue(channel, plan.names, plan.queue);
    return opened;
  }

  /** At its limit, and seen by the broker to consume. */
  get settled(): boolean {
    return this.#alive && this.#verified && this.#parked.length === 0 && this.#portions.next(this.limit) === undefined;
  }

  /** Moves towards the limit until it is reached, then asks the broker whether it knows the consumers. */
  async settle(): Promise<void> {
    while (!this.settled) {
      if (!this.#alive) throw new Error('the channel ended meanwhile');
      const next = this.#portions.next(this.limit);
      if (next?.move === 'cancel') await this.#cancel(next.portion);
      else if (next?.move === 'consume') await this.#consume(next.prefetch);
      else if (this.#parked.length > 0) this.#unpark();
      else await this.verify(Infinity);
    }
  }

  /**
   * Throws unless the broker counts a consumer for each of ours; or if messages are ready and we could take some, but none came for
   * `idleMs`: a consumer that exists and gets nothing is as bad as none.
   */
  async verify(idleMs: number): Promise<void> {
    const { consumerCount, messageCount } = await this.#channel.checkQueue(this.#queue);
    if (consumerCount < this.#portions.count) throw new Error(`${this.#queue} has ${consumerCount} consumers, not ours`);
    const stalled = messageCount > 0 && this.#portions.free > 0 && performance.now() - this.#lastMs >= idleMs;
    if (stalled) throw new Error(`${this.#queue} has ${messageCount} ready messages and sends us none`);
    this.#verified = true;
  }

  /** What is unacknowledged goes back to the queue. */
  close(): void {
    this.#alive = false;
    discard(this.#channel);
  }

  async #consume(prefetch: number): Promise<void> {
    const portion = this.#portions.open(`interlock-${++this.#tags}`, prefetch);
    this.#verified = false;
    this.#lastMs = performance.now();
    await this.#channel.prefetch(prefetch);
    // The tag is ours because the first delivery may come before the answer.
    await this.#channel.consume(this.#queue, message => this.#onMessage(portion, message), { consumerTag: portion.tag });
  }

  async #cancel(portion: Portion): Promise<void> {
    await this.#channel.cancel(portion.tag);
    this.#portions.cancelled(portion);
  }

  #onMessage(portion: Portion, message: ConsumeMessage | null): void {
    if (!this.#alive) return;
    if (message === null) {
      this.close();
      this.#events.lost(this, new Error('the broker cancelled the consumer'));
      return;
    }
    this.#lastMs = performance.now();
    this.#portions.delivered(portion);
    if (this.#given < this.limit) this.#give({ message, portion });
    else this.#parked.push({ message, portion });
  }

  #give({ message, portion }: Arrival): void {
    let open = true;
    this.#given++;
    this.#events.take(message, () => {
      if (!open) return;
      open = false;
      if (!this.#alive) return;
      this.#acknowledge(message, portion);
    });
  }

  #acknowledge(message: ConsumeMessage, portion: Portion): void {
    this.#given--;
    this.#portions.settled(portion);
    try {
      this.#channel.ack(message);
    } catch (error) {
      // Closing since this turn of the loop: the broker delivers it again.
      this.#end(error as Error);
      return;
    }
    if (!this.settled) this.#events.roomChanged();
  }

  /** Nothing is consumed beyond the limit any more. Handing back counts towards a delivery limit, so it is done this rarely. */
  #unpark(): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const arrival of parked) {
      if (this.#given < this.limit) {
        this.#give(arrival);
      } else {
        this.#portions.settled(arrival.portion);
        this.#channel.nack(arrival.message, false, true);
      }
    }
  }

  #end(cause: Error): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#events.lost(this, cause);
  }
}
