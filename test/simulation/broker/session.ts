import type { Delivery } from '../../../src/broker/broker.js';
import type { Consumer, Message, Queue } from './queue.js';

/** What a consumer asks of the process that it belongs to. */
export interface Owner {
  /** How many deliveries may be unacknowledged. */
  readonly limit: number;
  /** Runs `work` in the process, now or when it is awake; never after a crash. */
  run(work: () => void): void;
  handle(delivery: Delivery): void;
  /** The queue was deleted. */
  orphaned(session: Session): void;
}

/** A consumer from its declaration to the loss of its connection or queue; acknowledgements mean nothing beyond that. */
export class Session implements Consumer {
  readonly #queue: Queue;
  readonly #owner: Owner;
  /** Sent and not acknowledged, given or not. */
  readonly #unacknowledged = new Set<Message>();
  /** Given to the process and not acknowledged. */
  #given = 0;
  #alive = true;

  constructor(queue: Queue, owner: Owner) {
    this.#queue = queue;
    this.#owner = owner;
    queue.join(this);
  }

  get open(): boolean {
    return this.#owner.limit > 0;
  }

  get room(): number {
    return this.#owner.limit - this.#unacknowledged.size;
  }

  take(message: Message): void {
    this.#unacknowledged.add(message);
    this.#owner.run(() => this.#give(message));
  }

  roomChanged(): void {
    this.#queue.roomChanged();
  }

  orphan(): void {
    this.#alive = false;
    this.#unacknowledged.clear();
    this.#owner.orphaned(this);
  }

  /** What is unacknowledged goes back to the queue. */
  end(): void {
    if (!this.#alive) return;
    this.#alive = false;
    const messages = [...this.#unacknowledged];
    this.#unacknowledged.clear();
    this.#queue.leave(this, messages);
  }

  /** A process that slept finds what was in its socket, even if the connection is gone meanwhile. */
  #give(message: Message): void {
    if (this.#given >= this.#owner.limit) {
      if (this.#unacknowledged.delete(message)) this.#queue.giveBack([message]);
      return;
    }
    this.#given++;
    this.#owner.handle({ hint: message.hint, ack: () => this.#acknowledge(message) });
  }

  #acknowledge(message: Message): void {
    if (!this.#unacknowledged.delete(message)) return;
    this.#given--;
    this.#queue.acknowledged();
  }
}
