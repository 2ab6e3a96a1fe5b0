import type { Broker, Delivery, Destination, Subscription } from '../broker/broker.js';
import type { Timing } from '../core/timing.js';
import type { Runtime } from '../process/runtime.js';

export interface IntakeDeps {
  broker: Pick<Broker, 'consume' | 'publish'>;
  runtime: Runtime;
  timing: Timing;
  slots: number;
  sources: Destination[];
  /** Something has changed that the claim loop should look at. */
  wake: () => void;
}

/** A hint that was delivered and not acknowledged: the right to claim one task. */
export interface Ticket {
  task: string;
  source: Destination;
  ack(): void;
}

/**
 * The consumers of a worker. A ticket is kept while its task runs, so that the broker sends no more than there are slots; but never
 * for longer than `busyMs`: RabbitMQ closes the channel of a delivery that stays unacknowledged (30 minutes), prefetched ones included.
 * When all slots have been busy that long, the consumers are cancelled and what is at hand goes back for others.
 */
export class Intake {
  readonly #deps: IntakeDeps;
  #subscriptions: Subscription[] = [];
  #tickets: Ticket[] = [];
  #slots: number;
  #prefetch = 0;
  #paused = false;
  #fullSinceMs: number | undefined;

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
    this.#slots = deps.slots;
  }

  open(): void {
    this.#prefetch = this.#paused ? 0 : this.#slots;
    this.#subscriptions = this.#deps.sources.map(source =>
      this.#deps.broker.consume(source, this.#prefetch, delivery => this.#take(source, delivery)),
    );
  }

  /** Stops consuming and gives back what was not used. */
  async close(): Promise<void> {
    const subscriptions = this.#subscriptions;
    this.#subscriptions = [];
    this.giveBack(this.#tickets.splice(0));
    await Promise.all(subscriptions.map(subscription => subscription.close()));
  }

  /** Fewer: what is at hand beyond them goes back. More are fetched when they are wanted (`adjust`). */
  resize(slots: number): void {
    this.#slots = slots;
    if (this.#prefetch <= slots) return;
    this.#consume(slots);
    this.giveBack(this.#tickets.splice(slots));
  }

  /** Takes no more, and gives back what is at hand. */
  pause(): void {
    this.#paused = true;
    if (this.#prefetch > 0) this.#consume(0);
    this.giveBack(this.#tickets.splice(0));
  }

  resume(): void {
    this.#paused = false;
    this.#fullSinceMs = undefined;
    this.#consume(this.#slots);
  }

  get consuming(): boolean {
    return this.#prefetch > 0;
  }

  get waiting(): number {
    return this.#tickets.length;
  }

  /** Whether a ticket of this worker's own queue is at hand. */
  get ownWaiting(): boolean {
    return this.#tickets.some(({ source }) => source.to === 'worker');
  }

  takeTickets(count: number): Ticket[] {
    return this.#tickets.splice(0, count);
  }

  /** They were not used after all: the first to be taken again. */
  putBack(tickets: readonly Ticket[]): void {
    this.#tickets.unshift(...tickets);
  }

  /** For another worker, or for later: the same hint, at the end of the queue. */
  giveBack(tickets: readonly Ticket[]): void {
    for (const ticket of tickets) {
      void this.#deps.broker.publish({ kind: 'start', task: ticket.task }, ticket.source);
      ticket.ack();
    }
  }

  /** Tasks are short enough for tickets to be used as they come. */
  slotFreed(): void {
    this.#fullSinceMs = undefined;
  }

  /** Fits the consumers to how many tickets are of use; answers how long nothing will change by itself, in milliseconds. */
  adjust(wanted: number): number {
    const now = this.#deps.runtime.clock.monotonicMs();
    if (wanted > 0) {
      this.#fullSinceMs = undefined;
      // More than the slots: tickets are on their way longer than tasks take. By doubling, as each raise is one more consumer.
      if (wanted > this.#prefetch) this.#consume(wanted > this.#slots ? 2 * wanted : wanted);
      return Infinity;
    }
    this.#fullSinceMs ??= now;
    const leftMs = this.#fullSinceMs + this.#deps.timing.busyMs - now;
    if (leftMs > 0) return leftMs;
    if (this.#prefetch > 0) this.#consume(0);
    this.giveBack(this.#tickets.splice(0));
    return Infinity;
  }

  #consume(prefetch: number): void {
    this.#prefetch = prefetch;
    for (const subscription of this.#subscriptions) subscription.setPrefetch(prefetch);
  }

  #take(source: Destination, delivery: Delivery): void {
    const ticket: Ticket = { task: delivery.hint.kind === 'start' ? delivery.hint.task : '', source, ack: () => delivery.ack() };
    if (delivery.hint.kind !== 'start') {
      ticket.ack(); // a hint in the wrong queue wakes nobody
      return;
    }
    if (this.#paused) return this.giveBack([ticket]); // it was under way
    this.#tickets.push(ticket); // bounded by the prefetch of each consumer
    this.#deps.wake();
  }
}
