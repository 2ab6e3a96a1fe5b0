import type {
  Broker,
  BrokerStatus,
  Delivery,
  Destination,
  EventFeed,
  EventListener,
  PublishResult,
  Subscription,
} from '../../../src/broker/broker.js';
import type { TaskEvent } from '../../../src/core/event.js';
import type { Control, Hint } from '../../../src/core/hint.js';
import { SimulatedFeed } from './feed.js';
import type { Emitted, Landing, Member, Server } from './server.js';
import { SimulatedSubscription } from './subscription.js';

/** How the simulation gets between the broker and its process. */
export interface Hooks {
  /** Gets every call into the process: deliveries, control messages, answers. Held back while the process is paused; in order. */
  deliver?: (run: () => void) => void;
  /** What a handler threw; the delivery is acknowledged. Without this hook it is thrown a turn later, for the scheduler to see. */
  threw?: (error: unknown) => void;
}

/** The adapter's figures: connecting, `publish` without an answer, `start` without a connection, unconfirmed messages. */
const DIAL_MS = 200;
const PUBLISH_MS = 2_000;
const START_MS = 2_000;
const UNCONFIRMED_AT_MOST = 1_000;

/** The broker of one process on a simulated server. */
export class SimulatedBroker implements Broker, Member {
  readonly name: string;
  readonly server: Server;
  readonly #hooks: Hooks;
  readonly #subscriptions = new Set<SimulatedSubscription>();
  readonly #handlers: ((message: Control) => void)[] = [];
  #phase: 'new' | 'started' | 'closed' | 'crashed' = 'new';
  #connected = false;
  #connections = 0;
  #starting: (() => void)[] = [];
  #unconfirmed = 0;
  readonly #feeds = new Set<SimulatedFeed>();
  #emitted = 0;
  readonly #counts = { recycles: 0, returned: 0, deferred: 0, eventsDropped: 0 };

  constructor(name: string, server: Server, hooks: Hooks) {
    this.name = name;
    this.server = server;
    this.#hooks = hooks;
    server.members.add(this);
  }

  get connected(): boolean {
    return this.#connected;
  }

  start(): Promise<void> {
    if (this.#phase === 'new') {
      this.#phase = 'started';
      this.dial();
    }
    if (this.#connected || this.#phase === 'closed') return Promise.resolve();
    return new Promise(resolve => {
      this.#starting.push(resolve);
      this.server.later(START_MS, () => this.run(resolve));
    });
  }

  publish(hint: Hint, destination: Destination): Promise<PublishResult> {
    if (this.#phase === 'crashed') return never();
    if (!this.#connected || this.#unconfirmed >= UNCONFIRMED_AT_MOST) return Promise.resolve(this.#deferred());
    return new Promise(resolve => this.#send(hint, destination, resolve));
  }

  consume(destination: Destination, prefetch: number, onDelivery: (delivery: Delivery) => void): Subscription {
    const subscription = new SimulatedSubscription(destination, onDelivery, this);
    subscription.setPrefetch(prefetch);
    if (this.#phase === 'crashed') return subscription;
    this.#subscriptions.add(subscription);
    this.server.later(0, () => this.run(() => subscription.attach()));
    return subscription;
  }

  broadcast(message: Control): void {
    if (this.#phase === 'crashed') return;
    if (this.#connected) this.server.fanOut(Object.freeze({ ...message }));
    else this.#deferred();
  }

  onControl(handler: (message: Control) => void): void {
    this.#handlers.push(handler);
  }

  emit(event: TaskEvent): void {
    const emitted = { event, emitter: this.name, number: ++this.#emitted };
    if (this.#phase === 'crashed') return;
    if (this.#connected) this.server.emit(emitted);
    else this.#counts.eventsDropped++;
  }

  listen(listener: EventListener): EventFeed {
    const feed = new SimulatedFeed(listener, {
      run: work => this.run(work),
      threw: error => this.threw(error),
      closed: closed => this.#feeds.delete(closed),
    });
    this.#feeds.add(feed);
    if (this.#connected) this.server.later(0, () => this.#connected && feed.attach());
    return feed;
  }

  get listening(): boolean {
    return [...this.#feeds].some(feed => feed.live);
  }

  hearEvent(emitted: Emitted): void {
    for (const feed of this.#feeds) feed.hear(emitted);
  }

  /** As RabbitMQ's passive declaration counts: messages that are ready, not those that somebody holds. */
  depth(destination: Destination): Promise<{ messages: number; consumers: number } | undefined> {
    if (this.#phase === 'crashed') return never();
    if (!this.#connected) return Promise.resolve(undefined);
    return new Promise(resolve => {
      this.server.later(0, () => {
        const queue = this.#connected ? this.server.find(destination) : undefined;
        const answer = queue && { messages: queue.ready, consumers: queue.consumers };
        this.run(() => resolve(answer));
      });
    });
  }

  status(): BrokerStatus {
    return {
      state: this.#phase === 'closed' ? 'closed' : this.#connected ? 'up' : 'connecting',
      consumers: [...this.#subscriptions].flatMap(subscription => subscription.status ?? []),
      reconnects: Math.max(0, this.#connections - 1),
      ...this.#counts,
      dead: 0,
      deadBy: { size: 0, format: 0, version: 0, content: 0 },
      ...(this.#connected ? { version: 'simulated' } : {}),
    };
  }

  close(): Promise<void> {
    if (this.#phase === 'crashed') return never();
    this.#end('closed');
    return new Promise(resolve => this.server.later(0, () => this.run(resolve)));
  }

  /** The process died: what it held goes to others, and it is never called again. */
  crash(): void {
    this.#end('crashed');
  }

  /** The connection is lost, as by a cut cable that the server has noticed. It comes back by itself, if the server is there. */
  cut(): void {
    if (!this.#connected) return;
    this.#connected = false;
    for (const each of [...this.#subscriptions, ...this.#feeds]) each.detach();
    this.dial();
  }

  dial(): void {
    if (this.#phase === 'started') this.server.later(DIAL_MS, () => this.run(() => this.#connect()));
  }

  hear(message: Control): void {
    for (const handler of this.#handlers) this.run(() => this.#call(handler, message));
  }

  run(work: () => void): void {
    const inProcess = (): void => {
      if (this.#phase !== 'crashed') work();
    };
    if (this.#phase === 'crashed') return;
    if (this.#hooks.deliver) this.#hooks.deliver(inProcess);
    else inProcess();
  }

  threw(error: unknown): void {
    if (this.#hooks.threw) {
      this.#hooks.threw(error);
      return;
    }
    this.server.later(0, () => {
      throw error;
    });
  }

  recycled(): void {
    this.#counts.recycles++;
  }

  closed(subscription: SimulatedSubscription): void {
    this.#subscriptions.delete(subscription);
  }

  #connect(): void {
    if (this.#connected || this.#phase !== 'started' || !this.server.up) return;
    this.#connected = true;
    this.#connections++;
    this.server.declare({ to: 'resource-manager' });
    for (const each of [...this.#subscriptions, ...this.#feeds]) each.attach();
    for (const resolve of this.#starting.splice(0)) resolve();
  }

  #send(hint: Hint, destination: Destination, resolve: (result: PublishResult) => void): void {
    const connection = this.#connections;
    let open = true;
    const settle = (result: PublishResult): void => {
      if (!open) return;
      open = false;
      this.#unconfirmed--;
      if (result === 'deferred') this.#deferred();
      this.run(() => resolve(result));
    };
    const landed = (landing: Landing): void => {
      if (landing === 'declared') this.#counts.returned++;
      const stillConnected = this.#connected && connection === this.#connections;
      settle(stillConnected && landing !== 'lost' ? 'confirmed' : 'deferred');
    };
    this.#unconfirmed++;
    const firstMs = this.server.post({ hint: frozen(hint) }, destination, landed);
    if (firstMs === undefined || firstMs > PUBLISH_MS) this.server.later(PUBLISH_MS, () => settle('deferred'));
  }

  #deferred(): PublishResult {
    this.#counts.deferred++;
    return 'deferred';
  }

  #call(handler: (message: Control) => void, message: Control): void {
    try {
      handler(message);
    } catch (error) {
      this.threw(error);
    }
  }

  #end(phase: 'closed' | 'crashed'): void {
    if (this.#phase === 'crashed') return;
    this.#phase = phase;
    this.#connected = false;
    this.server.members.delete(this);
    for (const each of [...this.#subscriptions, ...this.#feeds]) each.detach();
    if (phase === 'closed') for (const resolve of this.#starting.splice(0)) resolve();
  }
}

/** What a dead process waits for. */
function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

/** A copy, as a wire makes one, that no receiver can change for another. */
function frozen(hint: Hint): Hint {
  if (hint.kind === 'start') return Object.freeze({ ...hint });
  const tasks = [...hint.tasks];
  Object.freeze(tasks);
  return Object.freeze({ ...hint, tasks });
}
