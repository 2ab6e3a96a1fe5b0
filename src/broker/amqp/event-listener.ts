import type { Channel, ConsumeMessage } from 'amqplib';
import { decodeEvent } from '../../core/event-wire.js';
import type { EventFeed, EventListener } from '../broker.js';
import { EventGaps } from '../event-gaps.js';
import { discard, openChannel, whenEnded } from './channel.js';
import type { DeadLetters } from './dead-letters.js';
import { explain } from './deadline.js';
import type { Link } from './link.js';
import type { BrokerLog } from './options.js';
import { declareEventQueue, type Names } from './topology.js';

export interface ListeningPlan {
  names: Names;
  deadLetters: DeadLetters;
  log: BrokerLog;
  listener: EventListener;
  onClose: (listening: Listening) => void;
}

/** One listener to all events. Outlives connections; each gives it a queue of its own, which goes with it. */
export class Listening implements EventFeed {
  readonly #plan: ListeningPlan;
  readonly #gaps = new EventGaps();
  #channel: Channel | undefined;
  #live = false;
  #closed = false;

  constructor(plan: ListeningPlan) {
    this.#plan = plan;
  }

  get live(): boolean {
    return this.#live;
  }

  /** Hears on this connection from now on. What goes wrong ends the connection, whose successor tries again; never rejects. */
  async attach(link: Link): Promise<void> {
    try {
      await this.#hear(link);
    } catch (error) {
      link.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  detach(): void {
    this.#channel = undefined;
    this.#live = false;
  }

  close(): Promise<void> {
    const channel = this.#channel;
    this.#closed = true;
    this.detach();
    if (channel) discard(channel); // its queue is deleted with its consumer
    this.#plan.onClose(this);
    return Promise.resolve();
  }

  async #hear(link: Link): Promise<void> {
    const channel = await openChannel(link);
    if (this.#closed) {
      discard(channel);
      return;
    }
    this.#channel = channel;
    const current = (): boolean => this.#channel === channel;
    whenEnded(channel, cause => current() && link.destroy(cause));
    const queue = await declareEventQueue(channel, this.#plan.names);
    this.#gaps.clear();
    const onMessage = (message: ConsumeMessage | null): void => {
      if (!current()) return;
      if (message === null) link.destroy(new Error('the broker cancelled the consumer of events'));
      else this.#take(message);
    };
    // Nothing to acknowledge, and no limit but the socket: the broker keeps at most 200 on their way, the others in the queue, which is bounded.
    await channel.consume(queue, onMessage, { noAck: true, exclusive: true });
    if (!current()) return;
    this.#live = true;
    this.#tell(listener => listener.missed('connection'));
  }

  #take({ content, properties }: ConsumeMessage): void {
    const decoded = decodeEvent(content);
    if (!decoded.ok) {
      this.#plan.deadLetters.record(this.#plan.names.events, decoded);
      return;
    }
    const emitter: unknown = properties.appId;
    const number = Number(properties.messageId);
    const missing = typeof emitter === 'string' && Number.isSafeInteger(number) && this.#gaps.isGap(emitter.slice(0, 64), number);
    if (missing) this.#tell(listener => listener.missed('dropped'));
    this.#tell(listener => listener.event(decoded.value));
  }

  #tell(how: (listener: EventListener) => void): void {
    try {
      how(this.#plan.listener);
    } catch (error) {
      this.#plan.log.error('a listener to events threw', { cause: explain(error) });
    }
  }
}
