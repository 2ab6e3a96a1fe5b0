import type { Destination } from '../../../src/broker/broker.js';
import type { TaskEvent } from '../../../src/core/event.js';
import type { Control } from '../../../src/core/hint.js';
import { Queue, type Message } from './queue.js';
import type { Weather } from './weather.js';

/** A process as the server sees it. */
export interface Member {
  readonly connected: boolean;
  /** The server can be reached. */
  dial(): void;
  /** The connection is gone. */
  cut(): void;
  hear(message: Control): void;
  /** Whether anybody there listens to events. */
  readonly listening: boolean;
  hearEvent(event: Emitted): void;
}

/** An event, and its number at its emitter. */
export interface Emitted {
  event: TaskEvent;
  emitter: string;
  number: number;
}

/** `declared`: there was no queue, and the publisher declared it, as the adapter does. `lost`: the server went down meanwhile. */
export type Landing = 'queued' | 'declared' | 'lost';

export function queueName(destination: Destination): string {
  switch (destination.to) {
    case 'resource-manager':
      return 'resource-manager';
    case 'queue':
      return `work.${destination.queue}`;
    case 'worker':
      return `worker.${destination.worker}`;
  }
}

/** What the processes share: the queues, who is connected, and whether the server is there. */
export class Server {
  readonly members = new Set<Member>();
  readonly #weather: Weather;
  readonly #queues = new Map<string, Queue>();
  #up = true;
  /** Messages that are under way when the server goes down are lost with its sockets. */
  #life = 1;

  constructor(weather: Weather) {
    this.#weather = weather;
  }

  get up(): boolean {
    return this.#up;
  }

  later(ms: number, work: () => void): void {
    this.#weather.later(ms, work);
  }

  setUp(up: boolean): void {
    if (up === this.#up) return;
    this.#up = up;
    if (!up) this.#life++;
    for (const member of [...this.members]) {
      if (up) member.dial();
      else member.cut();
    }
  }

  /** A server that comes back with an empty disk. */
  wipe(): void {
    const wasUp = this.#up;
    this.setUp(false);
    for (const queue of this.#queues.values()) queue.end();
    this.#queues.clear();
    this.setUp(wasUp);
  }

  find(destination: Destination): Queue | undefined {
    return this.#queues.get(queueName(destination));
  }

  declare(destination: Destination): Queue {
    const name = queueName(destination);
    const existing = this.#queues.get(name);
    if (existing) return existing;
    const queue = new Queue(work => this.later(0, work));
    this.#queues.set(name, queue);
    return queue;
  }

  delete(destination: Destination): void {
    const queue = this.find(destination);
    this.#queues.delete(queueName(destination));
    queue?.end();
  }

  /** Sends a hint on its way, and tells what becomes of each copy. How many ms until the first is there; undefined when none is. */
  post(message: Message, destination: Destination, tell: (landing: Landing) => void): number | undefined {
    const copies = this.#weather.fate(message.hint);
    for (const ms of copies) {
      this.#carry(ms, alive => {
        if (!alive) {
          tell('lost');
          return;
        }
        tell(this.find(destination) ? 'queued' : 'declared');
        this.declare(destination).add({ hint: message.hint });
      });
    }
    return copies.length === 0 ? undefined : Math.min(...copies);
  }

  /** To everybody who is connected now and still is when it arrives, the sender too. */
  fanOut(message: Control): void {
    for (const member of this.members) {
      if (!member.connected) continue;
      for (const ms of this.#weather.fate(message)) this.#carry(ms, alive => alive && member.connected && member.hear(message));
    }
  }

  /** To everybody who listens now and still does when it arrives; nothing happens where nobody does. */
  emit(emitted: Emitted): void {
    for (const member of this.members) {
      if (!member.connected || !member.listening) continue;
      for (const ms of this.#weather.fate(emitted.event))
        this.#carry(ms, alive => alive && member.connected && member.hearEvent(emitted));
    }
  }

  #carry(ms: number, arrive: (alive: boolean) => void): void {
    const life = this.#life;
    this.#weather.later(ms, () => arrive(this.#up && life === this.#life));
  }
}
