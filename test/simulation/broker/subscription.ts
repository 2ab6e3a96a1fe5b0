import type { Delivery, Destination, Subscription } from '../../../src/broker/broker.js';
import { queueName, type Server } from './server.js';
import { Session, type Owner } from './session.js';

/** The adapter's first back-off after a queue was deleted is 200 to 400 ms. */
const AGAIN_AFTER_MS = 300;

/** The process of a subscription. */
export interface Host {
  readonly server: Server;
  readonly connected: boolean;
  run(work: () => void): void;
  threw(error: unknown): void;
  recycled(): void;
  closed(subscription: SimulatedSubscription): void;
}

/** What a role asked to consume; each connection, and each new queue, gets a session of its own. */
export class SimulatedSubscription implements Subscription, Owner {
  limit = 0;
  readonly #destination: Destination;
  readonly #onDelivery: (delivery: Delivery) => void;
  readonly #host: Host;
  #session: Session | undefined;
  #closed = false;

  constructor(destination: Destination, onDelivery: (delivery: Delivery) => void, host: Host) {
    this.#destination = destination;
    this.#onDelivery = onDelivery;
    this.#host = host;
  }

  get status(): { queue: string; consuming: boolean } | undefined {
    if (this.limit === 0) return undefined;
    return { queue: queueName(this.#destination), consuming: this.#session !== undefined };
  }

  /** Declares the queue and consumes it, if there is a connection and it does not do so yet. */
  attach(): void {
    if (this.#closed || this.#session || !this.#host.connected) return;
    this.#session = new Session(this.#host.server.declare(this.#destination), this);
  }

  detach(): void {
    this.#session?.end();
    this.#session = undefined;
  }

  setPrefetch(count: number): void {
    if (this.#closed) return;
    this.limit = Math.max(0, Math.trunc(count));
    this.#session?.roomChanged();
  }

  close(): Promise<void> {
    this.limit = 0;
    this.#closed = true;
    this.detach();
    this.#host.closed(this);
    return new Promise(resolve => this.#host.server.later(0, () => this.run(resolve)));
  }

  run(work: () => void): void {
    this.#host.run(work);
  }

  handle(delivery: Delivery): void {
    try {
      this.#onDelivery(delivery);
    } catch (error) {
      delivery.ack();
      this.#host.threw(error);
    }
  }

  orphaned(session: Session): void {
    if (session !== this.#session) return;
    this.#session = undefined;
    this.#host.server.later(AGAIN_AFTER_MS, () => this.run(() => this.#takeUp()));
  }

  #takeUp(): void {
    if (this.#session || !this.#host.connected || this.#closed) return;
    this.#host.recycled();
    this.attach();
  }
}
