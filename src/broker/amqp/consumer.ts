import type { ConsumeMessage } from 'amqplib';
import { decodeHint, misread, type Decoded, type Hint } from '../../core/hint.js';
import type { Delivery, Destination, Subscription } from '../broker.js';
import { ConsumerSession, type SessionPlan } from './consumer-session.js';
import type { DeadLetters } from './dead-letters.js';
import { explain } from './deadline.js';
import type { Link } from './link.js';
import type { TopologyConflict } from './topology-conflict.js';

export interface ConsumerPlan extends Omit<SessionPlan, 'take'> {
  destination: Destination;
  deadLetters: DeadLetters;
  onDelivery: (delivery: Delivery) => void;
  onClose: (consumer: Consumer) => void;
}

/** The most that AMQP can say; 0 would mean "no limit" there, and means "no consumer" here. */
const PREFETCH_AT_MOST = 65_535;

/** What a role asked to consume. Outlives connections: each gets a session that brings the wish about on it. */
export class Consumer implements Subscription {
  readonly #plan: ConsumerPlan;
  #limit = 0;
  #session: ConsumerSession | undefined;
  #closed = false;

  constructor(prefetch: number, plan: ConsumerPlan) {
    this.#plan = plan;
    this.setPrefetch(prefetch);
  }

  /** The queue's name and whether it is seen to be consumed; nothing while nothing is wanted. */
  get status(): { queue: string; consuming: boolean } | undefined {
    if (this.#limit === 0) return undefined;
    return { queue: this.#plan.queue.name, consuming: this.#session?.consuming === true };
  }

  get conflict(): TopologyConflict | undefined {
    return this.#session?.conflict;
  }

  /** Consumes on this connection from now on. Resolves after the first attempt; never rejects. */
  async attach(link: Link): Promise<void> {
    this.detach();
    if (this.#closed) return;
    this.#session = new ConsumerSession(link, this.#limit, { ...this.#plan, take: (message, ack) => this.#take(message, ack) });
    await this.#session.begin();
  }

  detach(): void {
    this.#session?.end();
    this.#session = undefined;
  }

  setPrefetch(count: number): void {
    if (this.#closed) return;
    this.#limit = Math.min(Math.max(0, Math.trunc(count)), PREFETCH_AT_MOST);
    this.#session?.setLimit(this.#limit);
  }

  async assertFlow(): Promise<void> {
    await this.#session?.assertFlow();
  }

  close(): Promise<void> {
    this.setPrefetch(0);
    this.#closed = true;
    this.detach();
    this.#plan.onClose(this);
    return Promise.resolve();
  }

  #take(message: ConsumeMessage, ack: () => void): void {
    const { deadLetters, destination, log, onDelivery, queue } = this.#plan;
    const decoded = judge(message, destination);
    if (!decoded.ok) {
      // Acknowledged whatever became of it: what cannot be read is worth less than a queue that moves.
      void deadLetters.bury(message, queue.name, decoded).then(ack);
      return;
    }
    try {
      onDelivery({ hint: decoded.value, ack });
    } catch (error) {
      log.error('a handler of hints threw', {
        queue: queue.name,
        cause: explain(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
      ack();
    }
  }
}

/** Only the type, the size and the body count; headers and other properties are a stranger's words. */
function judge(message: ConsumeMessage, destination: Destination): Decoded<Hint> {
  const contentType: unknown = message.properties.contentType;
  const contentEncoding: unknown = message.properties.contentEncoding;
  if (contentType !== 'application/json') return misread('format', `content type ${brief(contentType)}, not application/json`);
  if (contentEncoding !== undefined) return misread('format', `content encoding ${brief(contentEncoding)}, not none`);
  const decoded = decodeHint(message.content);
  const expected: Hint['kind'] = destination.to === 'resource-manager' ? 'changed' : 'start';
  if (decoded.ok && decoded.value.kind !== expected) return misread('content', `a ${decoded.value.kind} hint in this queue`);
  return decoded;
}

function brief(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 40) : 'missing';
}
