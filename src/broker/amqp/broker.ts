import type { TaskEvent } from '../../core/event.js';
import type { Control, Hint } from '../../core/hint.js';
import type {
  Broker,
  BrokerStatus,
  Delivery,
  Destination,
  EventFeed,
  EventListener,
  PublishResult,
  Subscription,
} from '../broker.js';
import type { BrokerInventory } from '../inventory.js';
import { onOwnChannel } from './channel.js';
import { Connection, type Phase } from './connection.js';
import { Consumer } from './consumer.js';
import { ControlListener } from './control.js';
import { DeadLetters } from './dead-letters.js';
import { explain, within } from './deadline.js';
import { EventEmitter } from './event-emitter.js';
import { Listening } from './event-listener.js';
import { checkUrl, type Link } from './link.js';
import { DEFAULT_AMQP_TIMING, type AmqpOptions, type AmqpTiming } from './options.js';
import { inventoryOf } from './inventory.js';
import { MuteQueues } from './mute-queues.js';
import { Publisher } from './publisher.js';
import { repairQueue } from './queue-repair.js';
import { declareQueue, declareTopology, namesWith, queueOf, type Names } from './topology.js';
import { TopologyConflict } from './topology-conflict.js';
import { watch } from './watch.js';

/** RabbitMQ (3.10 to 4.x) behind the `Broker` port. Throws `InterlockError` (`VALIDATION_FAILED`) for a URL that is none. */
export function createAmqpBroker(options: AmqpOptions, timing: AmqpTiming = DEFAULT_AMQP_TIMING): AmqpBroker {
  checkUrl(options.url);
  return new AmqpBroker(options, timing);
}

export class AmqpBroker implements Broker {
  readonly #options: AmqpOptions;
  readonly #timing: AmqpTiming;
  readonly #names: Names;
  readonly #mute: MuteQueues;
  readonly #publisher: Publisher;
  readonly #deadLetters: DeadLetters;
  readonly #control: ControlListener;
  readonly #emitter: EventEmitter;
  readonly #consumers = new Set<Consumer>();
  readonly #listenings = new Set<Listening>();
  /** Two, because a resource alarm blocks everything on a connection that publishes, acknowledgements too. */
  readonly #publishing: Connection;
  readonly #consuming: Connection;
  readonly #stop = new AbortController();
  #attachTo: Link | undefined;
  #recycles = 0;
  #watching: Promise<unknown> | undefined;

  constructor(options: AmqpOptions, timing: AmqpTiming) {
    this.#options = options;
    this.#timing = timing;
    this.#names = namesWith(options.prefix ?? '');
    const repairing = { options, timing, names: this.#names, stop: this.#stop.signal };
    this.#mute = new MuteQueues({ names: this.#names, timing, log: options.log, repair: queue => repairQueue(queue, repairing) });
    this.#publisher = new Publisher(this.#names, timing, options.log, this.#mute);
    this.#deadLetters = new DeadLetters(this.#names, this.#publisher, timing, options.log);
    this.#control = new ControlListener(this.#names, this.#deadLetters, options.log);
    this.#emitter = new EventEmitter({
      names: this.#names,
      log: options.log,
      emitter: Math.floor(options.random() * Number.MAX_SAFE_INTEGER).toString(36),
      mayUse: () => !this.#publisher.blocked,
    });
    const topology = (link: Link): Promise<void> => declareTopology(link, this.#names);
    this.#publishing = new Connection(options, 'publish', timing, {
      topology,
      consuming: async link => {
        await this.#emitter.open(link);
        await this.#publisher.open(link);
      },
      lost: () => {
        this.#emitter.drop();
        this.#publisher.drop();
      },
    });
    this.#consuming = new Connection(options, 'consume', timing, {
      topology,
      consuming: link => this.#consumeOn(link),
      lost: () => this.#detach(),
    });
  }

  async start(): Promise<void> {
    this.#watching ??= Promise.all([
      watch(this.#timing.stallMs, this.#stop.signal, () => this.#assertFlow()),
      watch(this.#timing.confirmMs, this.#stop.signal, () => this.#publisher.assertConfirms()),
    ]);
    const connected = Promise.all([this.#publishing.start(), this.#consuming.start()]);
    // Late is no failure: connecting goes on behind our back.
    await within(this.#timing.startMs, 'connecting', connected).catch(() => undefined);
    const conflict = this.#conflict;
    if (!conflict) return;
    await this.close();
    throw conflict;
  }

  publish(hint: Hint, destination: Destination): Promise<PublishResult> {
    return this.#publisher.publish(hint, destination);
  }

  consume(destination: Destination, prefetch: number, onDelivery: (delivery: Delivery) => void): Subscription {
    const consumer = new Consumer(prefetch, {
      destination,
      queue: queueOf(this.#names, destination),
      names: this.#names,
      timing: this.#timing,
      log: this.#options.log,
      random: this.#options.random,
      mute: this.#mute,
      deadLetters: this.#deadLetters,
      onDelivery,
      recycled: () => this.#recycles++,
      onClose: closed => this.#consumers.delete(closed),
    });
    this.#consumers.add(consumer);
    if (this.#attachTo) void consumer.attach(this.#attachTo);
    return consumer;
  }

  broadcast(message: Control): void {
    this.#publisher.broadcast(message);
  }

  onControl(handler: (message: Control) => void): void {
    this.#control.onControl(handler);
  }

  emit(event: TaskEvent): void {
    this.#emitter.emit(event);
  }

  listen(listener: EventListener): EventFeed {
    const listening = new Listening({
      names: this.#names,
      deadLetters: this.#deadLetters,
      log: this.#options.log,
      listener,
      onClose: closed => this.#listenings.delete(closed),
    });
    this.#listenings.add(listening);
    if (this.#attachTo) void listening.attach(this.#attachTo);
    return listening;
  }

  depth(destination: Destination): Promise<{ messages: number; consumers: number } | undefined> {
    return this.#depthOf(queueOf(this.#names, destination).name);
  }

  /** Undefined without a connection. */
  async inventory(destinations: readonly Destination[]): Promise<BrokerInventory | undefined> {
    const link = this.#publishing.link;
    if (!link) return undefined;
    return inventoryOf(this.#names, link.version ?? 'unknown', queue => this.#depthOf(queue), destinations);
  }

  /** Makes these queues where they are missing; false when the connection does not last so long. Throws TopologyConflict. */
  async declare(destinations: readonly Destination[]): Promise<boolean> {
    for (const destination of destinations) {
      const link = this.#publishing.link;
      if (!link) return false;
      const plan = queueOf(this.#names, destination);
      const declaring = onOwnChannel(link, channel => declareQueue(channel, this.#names, plan));
      try {
        await within(this.#timing.publishMs, `declaring ${plan.name}`, declaring);
      } catch (error) {
        if (error instanceof TopologyConflict) throw error;
        this.#options.log.warn('A queue was not declared.', { queue: plan.name, cause: explain(error) });
        return false;
      }
    }
    return true;
  }

  status(): BrokerStatus {
    const version = (this.#publishing.link ?? this.#consuming.link)?.version;
    return {
      state: this.#state,
      consumers: [...this.#consumers].flatMap(consumer => consumer.status ?? []),
      reconnects: this.#publishing.reconnects + this.#consuming.reconnects,
      recycles: this.#recycles,
      returned: this.#publisher.returned,
      deferred: this.#publisher.deferred,
      dead: this.#deadLetters.count,
      deadBy: this.#deadLetters.counts,
      eventsDropped: this.#emitter.dropped,
      ...(version === undefined ? {} : { version }),
    };
  }

  /** How far each of the two connections is. */
  phases(): { publish: Phase; consume: Phase } {
    return { publish: this.#publishing.phase, consume: this.#consuming.phase };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#publishing.close(), this.#consuming.close()]);
    await this.#watching;
  }

  get #state(): BrokerStatus['state'] {
    if (this.#stop.signal.aborted) return 'closed';
    if (this.#publisher.blocked) return 'blocked';
    return this.#publishing.link && this.#consuming.link ? 'up' : 'connecting';
  }

  get #conflict(): TopologyConflict | undefined {
    const consumers = [...this.#consumers].map(consumer => consumer.conflict);
    return [this.#publishing.conflict, this.#consuming.conflict, ...consumers].find(conflict => conflict !== undefined);
  }

  async #depthOf(queue: string): Promise<{ messages: number; consumers: number } | undefined> {
    const link = this.#publishing.link;
    if (!link) return undefined;
    const asking = onOwnChannel(link, channel => channel.checkQueue(queue));
    try {
      const { messageCount, consumerCount } = await within(this.#timing.publishMs, `asking for ${queue}`, asking);
      return { messages: messageCount, consumers: consumerCount };
    } catch (error) {
      this.#options.log.debug('no depth of a queue', { queue, cause: explain(error) });
      return undefined;
    }
  }

  async #consumeOn(link: Link): Promise<void> {
    await this.#control.open(link);
    // From here on a new consumer attaches by itself; those that are there already are attached in the same turn.
    this.#attachTo = link;
    await Promise.all([...this.#consumers, ...this.#listenings].map(each => each.attach(link)));
  }

  #detach(): void {
    this.#attachTo = undefined;
    for (const each of [...this.#consumers, ...this.#listenings]) each.detach();
  }

  async #assertFlow(): Promise<void> {
    await Promise.all([...this.#consumers].map(consumer => consumer.assertFlow()));
  }
}
