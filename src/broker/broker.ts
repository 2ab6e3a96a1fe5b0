import type { TaskEvent } from '../core/event.js';
import type { Control, Hint, Misreading } from '../core/hint.js';

/** Where a hint goes. The adapter's topology file maps these to exchanges and queues. */
export type Destination = { to: 'resource-manager' } | { to: 'queue'; queue: string } | { to: 'worker'; worker: string };

/**
 * `confirmed`: on the disks of a majority. `returned`: there is no such queue, and declaring it failed too.
 * `deferred`: no connection, a blocked one, too many unconfirmed, or no answer within 2 s. It is kept nowhere: the sweep hints again.
 */
export type PublishResult = 'confirmed' | 'returned' | 'deferred';

export interface Delivery {
  hint: Hint;
  /** Acknowledges once; a delivery of a connection that is gone is dropped silently (the broker delivers it again). */
  ack(): void;
}

export interface Subscription {
  /**
   * How many deliveries may be unacknowledged, whatever the value was before. 0 cancels the consumer, and what was prefetched but not
   * given to `onDelivery` goes back. The last value wins and survives reconnects.
   */
  setPrefetch(count: number): void;
  /** Cancels for good; unacknowledged deliveries go back to the queue. Bounded. */
  close(): Promise<void>;
}

/** Whoever wants to know what changes. Neither may throw. */
export interface EventListener {
  event(event: TaskEvent): void;
  /**
   * Something may be missing before the next event. `connection`: it hears only from now on, as when it begins to, and after each loss of the connection.
   * `dropped`: an emitter could not send, or too much was waiting for this listener at the broker.
   */
  missed(why: 'connection' | 'dropped'): void;
}

export interface EventFeed {
  /** Whether it hears now. */
  readonly live: boolean;
  /** Bounded. */
  close(): Promise<void>;
}

export interface BrokerStatus {
  state: 'connecting' | 'up' | 'blocked' | 'closed';
  /** Consumers that should consume (prefetch above 0), and whether the broker was seen to know them. */
  consumers: { queue: string; consuming: boolean }[];
  reconnects: number;
  /** Channels replaced on a living connection: closed by the broker, queue deleted, or found stalled. */
  recycles: number;
  returned: number;
  deferred: number;
  dead: number;
  /** The same by why nobody could read them. */
  deadBy: Readonly<Record<Misreading, number>>;
  /** Events that this process could not emit. */
  eventsDropped: number;
  version?: string;
}

/** Transport of hints. Nothing here is ever needed for correctness. */
export interface Broker {
  /**
   * Connects in the background, for ever, with jittered back-off. Resolves once connected, after 2 s at most; `status()` tells.
   * Throws only if the topology on the broker contradicts ours (a queue with other arguments), and is closed then.
   */
  start(): Promise<void>;
  /** Never throws, never waits longer than 2 s, never queues in memory beyond a bound of 1,000 unconfirmed. */
  publish(hint: Hint, destination: Destination): Promise<PublishResult>;
  /** Declares the queue and consumes it whenever there is a connection. `onDelivery` must not throw. Prefetch starts at `prefetch`. */
  consume(destination: Destination, prefetch: number, onDelivery: (delivery: Delivery) => void): Subscription;
  /** To every process; best effort. */
  broadcast(message: Control): void;
  onControl(handler: (message: Control) => void): void;
  /**
   * To whoever listens, at once or never: best effort, not confirmed, and dropped without a connection, while the broker takes nothing, and above
   * 256 unsent ones. Never throws, and nobody waits for it.
   */
  emit(event: TaskEvent): void;
  /** Hears what every process emits, whenever there is a connection; of one emitter in the order in which it did, until `close`. */
  listen(listener: EventListener): EventFeed;
  /** Messages and consumers of a queue; undefined when there is no such queue or no connection. */
  depth(destination: Destination): Promise<{ messages: number; consumers: number } | undefined>;
  status(): BrokerStatus;
  /** Within 2 s, whatever the broker does. */
  close(): Promise<void>;
}
