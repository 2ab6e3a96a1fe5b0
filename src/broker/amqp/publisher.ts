import type { ConfirmChannel, Message } from 'amqplib';
import { encode, type Control, type Hint } from '../../core/hint.js';
import type { Destination, PublishResult } from '../broker.js';
import { onOwnChannel, openConfirmChannel, whenEnded } from './channel.js';
import { explain, Late, within } from './deadline.js';
import type { Link } from './link.js';
import type { MuteQueues } from './mute-queues.js';
import type { AmqpTiming, BrokerLog } from './options.js';
import { declareQueue, queueOf, type Names, type QueuePlan } from './topology.js';

/** Below the 1,024 writes that amqplib buffers before it asks to stop, so back-pressure is ours alone. */
const UNCONFIRMED_AT_MOST = 1_000;
/** Queue names come from users. One connection declares so many, and so many at a time; the rest stay `returned`. */
const DECLARED_AT_MOST = 1_000;
const DECLARING_AT_MOST = 10;

export interface Parcel {
  exchange: string;
  key: string;
  /** Where the key leads, if to one queue. */
  queue?: QueuePlan;
  body: Uint8Array;
  /** Survives a restart of the broker, and comes back when no queue takes it. */
  durable: boolean;
  headers?: Record<string, string | number>;
}

interface Unconfirmed {
  since: number;
  returned: boolean;
  queue: QueuePlan | undefined;
}

/** Publishes with confirms. What cannot be sent now is never kept: the record behind a hint is what gets it sent again. */
export class Publisher {
  returned = 0;
  deferred = 0;
  readonly #names: Names;
  readonly #timing: AmqpTiming;
  readonly #log: BrokerLog;
  readonly #mute: MuteQueues;
  readonly #unconfirmed = new Map<string, Unconfirmed>();
  readonly #declaring = new Map<string, Promise<boolean>>();
  readonly #declared = new Set<string>();
  #link: Link | undefined;
  #channel: ConfirmChannel | undefined;
  #blocked = false;
  #sent = 0;

  constructor(names: Names, timing: AmqpTiming, log: BrokerLog, mute: MuteQueues) {
    this.#names = names;
    this.#timing = timing;
    this.#log = log;
    this.#mute = mute;
  }

  /** A resource alarm at the broker: it reads nothing more from this connection until `unblocked`. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Makes a fresh connection the one to publish on. Any end of its channel ends it: there is nothing else on it to save. */
  async open(link: Link): Promise<void> {
    link.model.on('blocked', reason => this.#setBlocked(link, true, reason));
    link.model.on('unblocked', () => this.#setBlocked(link, false));
    const channel = await openConfirmChannel(link);
    whenEnded(channel, cause => link.destroy(cause));
    channel.on('return', message => this.#onReturn(message));
    // An answer, now that the listeners are on: the channel did not end before.
    await channel.checkExchange(this.#names.tasks);
    this.#link = link;
    this.#channel = channel;
  }

  drop(): void {
    this.#link = undefined;
    this.#channel = undefined;
    this.#blocked = false;
    // The channel's end has called every callback; this only makes sure that nothing of it counts any more.
    this.#unconfirmed.clear();
    this.#declared.clear();
  }

  async publish(hint: Hint, destination: Destination): Promise<PublishResult> {
    const end = performance.now() + this.#timing.publishMs;
    const plan = queueOf(this.#names, destination);
    const parcel = { exchange: this.#names.tasks, key: plan.name, queue: plan, body: encode(hint), durable: true };
    const result = await this.send(parcel, end);
    if (result !== 'returned' || !(await this.#declare(plan, end))) return result;
    return this.send(parcel, end);
  }

  broadcast(message: Control): void {
    const parcel = { exchange: this.#names.control, key: '', body: encode(message), durable: false };
    void this.send(parcel, performance.now() + this.#timing.publishMs);
  }

  /** Never rejects; answers by `end` (`performance.now()`). */
  async send(parcel: Parcel, end: number): Promise<PublishResult> {
    const result = await this.#attempt(parcel, end);
    if (result === 'returned') this.returned++;
    if (result === 'deferred') this.deferred++;
    return result;
  }

  /**
   * Ends a connection whose confirms do not come although it lives (a proxy that swallows, a mute queue). The oldest message is the one
   * to blame: RabbitMQ takes what a channel publishes in order, and one that waits for its queue holds up those behind it.
   */
  async assertConfirms(): Promise<void> {
    const oldest = this.#unconfirmed.values().next().value;
    const link = this.#link;
    if (!oldest || !link || this.#blocked || performance.now() - oldest.since < this.#timing.confirmMs) return;
    const cause = new Late(`confirming a message to ${oldest.queue?.name ?? 'everybody'}`, this.#timing.confirmMs);
    if (oldest.queue) await this.#mute.silent(oldest.queue, link, cause);
    link.destroy(cause);
  }

  #attempt(parcel: Parcel, end: number): Promise<PublishResult> {
    const channel = this.#channel;
    const budgetMs = end - performance.now();
    if (!channel || this.#blocked || budgetMs <= 0 || this.#unconfirmed.size >= UNCONFIRMED_AT_MOST)
      return Promise.resolve('deferred');
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve('deferred'), budgetMs);
      const settle = (result: PublishResult): void => {
        clearTimeout(timer);
        resolve(result);
      };
      try {
        this.#write(channel, parcel, settle);
      } catch (error) {
        // Closed in this very moment, or a name that AMQP cannot carry (255 bytes).
        this.#log.debug('could not publish', { key: parcel.key, cause: explain(error) });
        settle('deferred');
      }
    });
  }

  #write(channel: ConfirmChannel, parcel: Parcel, settle: (result: PublishResult) => void): void {
    const messageId = String(++this.#sent);
    const unconfirmed: Unconfirmed = { since: performance.now(), returned: false, queue: parcel.queue };
    const options = {
      messageId,
      contentType: 'application/json',
      persistent: parcel.durable,
      mandatory: parcel.durable,
      headers: parcel.headers ?? {},
    };
    channel.publish(parcel.exchange, parcel.key, Buffer.from(parcel.body), options, (failure: unknown) => {
      this.#unconfirmed.delete(messageId);
      if (parcel.queue) this.#account(parcel.queue, failure);
      if (failure !== null) settle('deferred');
      else settle(unconfirmed.returned ? 'returned' : 'confirmed');
    });
    this.#unconfirmed.set(messageId, unconfirmed);
  }

  /** What the end of its channel does to a message says nothing about its queue. */
  #account(queue: QueuePlan, failure: unknown): void {
    if (failure === null) this.#mute.answered(queue.name);
    else if (failure instanceof Error && failure.message.includes('nacked')) void this.#mute.failed(queue, failure);
  }

  /** The broker sends `return` before the confirm, which then says success. */
  #onReturn(message: Message): void {
    const unconfirmed = this.#unconfirmed.get(String(message.properties.messageId));
    if (unconfirmed) unconfirmed.returned = true;
  }

  /** Declares a queue that nobody has declared yet, so that its hints wait for its first worker. False when that is not to be had. */
  async #declare(plan: QueuePlan, end: number): Promise<boolean> {
    const declaring = this.#declaring.get(plan.name) ?? this.#startDeclaring(plan);
    return within(end - performance.now(), `declaring ${plan.name}`, declaring).catch(() => false);
  }

  #startDeclaring(plan: QueuePlan): Promise<boolean> {
    const link = this.#link;
    const full =
      this.#declaring.size >= DECLARING_AT_MOST || (this.#declared.size >= DECLARED_AT_MOST && !this.#declared.has(plan.name));
    if (!link || full) return Promise.resolve(false);
    this.#declared.add(plan.name);
    const declaring = onOwnChannel(link, channel => declareQueue(channel, this.#names, plan))
      .then(() => true)
      .catch((error: unknown) => {
        this.#log.warn('could not declare the queue of a hint', { queue: plan.name, cause: explain(error) });
        return false;
      })
      .finally(() => this.#declaring.delete(plan.name));
    this.#declaring.set(plan.name, declaring);
    return declaring;
  }

  #setBlocked(link: Link, blocked: boolean, reason?: string): void {
    if (link.gone.aborted) return;
    this.#blocked = blocked;
    if (blocked) this.#log.warn('RabbitMQ takes no messages for now', { reason });
    else this.#log.info('RabbitMQ takes messages again');
  }
}
