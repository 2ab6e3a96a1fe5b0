import type { EventFeed, EventListener } from '../../../src/broker/broker.js';
import { EventGaps } from '../../../src/broker/event-gaps.js';
import type { Emitted } from './server.js';

export interface Owner {
  /** Runs `work` in the process, now or when it is awake; never after a crash. */
  run(work: () => void): void;
  threw(error: unknown): void;
  closed(feed: SimulatedFeed): void;
}

/** One listener to events, over all connections of its process. */
export class SimulatedFeed implements EventFeed {
  readonly #listener: EventListener;
  readonly #owner: Owner;
  readonly #gaps = new EventGaps();
  #live = false;
  #closed = false;

  constructor(listener: EventListener, owner: Owner) {
    this.#listener = listener;
    this.#owner = owner;
  }

  get live(): boolean {
    return this.#live;
  }

  attach(): void {
    if (this.#closed || this.#live) return;
    this.#live = true;
    this.#gaps.clear();
    this.#tell(listener => listener.missed('connection'));
  }

  detach(): void {
    this.#live = false;
  }

  hear({ event, emitter, number }: Emitted): void {
    if (!this.#live) return;
    if (this.#gaps.isGap(emitter, number)) this.#tell(listener => listener.missed('dropped'));
    this.#tell(listener => listener.event(structuredClone(event)));
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#live = false;
    this.#owner.closed(this);
    return Promise.resolve();
  }

  #tell(how: (listener: EventListener) => void): void {
    this.#owner.run(() => {
      try {
        how(this.#listener);
      } catch (error) {
        this.#owner.threw(error);
      }
    });
  }
}
