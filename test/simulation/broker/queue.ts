import type { Hint } from '../../../src/core/hint.js';
import { Fifo } from './fifo.js';

/** One copy of a hint in a queue. Two copies of one hint are two messages. */
export interface Message {
  readonly hint: Hint;
}

/** A consumer as its queue sees it. */
export interface Consumer {
  /** False while its prefetch is 0: then the server does not know it. */
  readonly open: boolean;
  /** Deliveries that it takes now. */
  readonly room: number;
  take(message: Message): void;
  /** The queue is gone, with everything in it. */
  orphan(): void;
}

/** A queue on the simulated server: competing consumers in turn, each to its prefetch; what comes back goes first. */
export class Queue {
  readonly #later: (work: () => void) => void;
  readonly #ready = new Fifo<Message>();
  readonly #returned = new Fifo<Message>();
  readonly #consumers: Consumer[] = [];
  #unacknowledged = 0;
  #last = -1;
  #handingOut = false;
  #due = false;

  constructor(later: (work: () => void) => void) {
    this.#later = later;
  }

  get ready(): number {
    return this.#ready.length + this.#returned.length;
  }

  /** Ready and unacknowledged. */
  get messages(): number {
    return this.ready + this.#unacknowledged;
  }

  get consumers(): number {
    return this.#consumers.filter(consumer => consumer.open).length;
  }

  add(message: Message): void {
    this.#ready.push(message);
    this.#handOut();
  }

  join(consumer: Consumer): void {
    this.#consumers.push(consumer);
    this.roomChanged();
  }

  /** The consumer goes; what it had not acknowledged goes to others, before anything that was never delivered. */
  leave(consumer: Consumer, unacknowledged: readonly Message[]): void {
    const index = this.#consumers.indexOf(consumer);
    this.#consumers.splice(index, 1);
    if (index <= this.#last) this.#last--;
    this.giveBack(unacknowledged);
  }

  acknowledged(): void {
    this.#unacknowledged--;
    this.roomChanged();
  }

  giveBack(messages: readonly Message[]): void {
    for (const message of messages) this.#returned.push(message);
    this.#unacknowledged -= messages.length;
    this.roomChanged();
  }

  /** Somebody may take what waits here, a turn later: a process is never called while it calls. */
  roomChanged(): void {
    if (this.#due || this.#handingOut || this.ready === 0) return;
    this.#due = true;
    this.#later(() => {
      this.#due = false;
      this.#handOut();
    });
  }

  purge(): void {
    this.#ready.clear();
    this.#returned.clear();
  }

  /** Of a queue that is deleted. */
  end(): void {
    this.purge();
    for (const consumer of this.#consumers.splice(0)) consumer.orphan();
  }

  #handOut(): void {
    if (this.#handingOut) return;
    this.#handingOut = true;
    while (this.ready > 0) {
      const consumer = this.#next();
      if (!consumer) break;
      this.#unacknowledged++;
      consumer.take((this.#returned.shift() ?? this.#ready.shift())!);
    }
    this.#handingOut = false;
  }

  /** In turn, passing over who is full. */
  #next(): Consumer | undefined {
    const count = this.#consumers.length;
    for (let tries = 0; tries < count; tries++) {
      this.#last = (this.#last + 1) % count;
      const consumer = this.#consumers[this.#last];
      if (consumer && consumer.room > 0) return consumer;
    }
    return undefined;
  }
}
