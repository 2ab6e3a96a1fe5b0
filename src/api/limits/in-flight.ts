export interface Room {
  requests: number;
  /** Of their bodies together. */
  bytes: number;
}

/** Why there is no room for one more. */
export type Full = 'in-flight' | 'body';

/** The requests that are being answered, and how large their bodies are: what an API may hold in memory for them has a bound. */
export class InFlight {
  readonly #room: Room;
  #requests = 0;
  #bytes = 0;

  constructor(room: Room) {
    this.#room = room;
  }

  get requests(): number {
    return this.#requests;
  }

  /** A body that is alone is taken whatever its size: its route has a limit for that. */
  enter(bytes: number): Place | Full {
    if (this.#requests >= this.#room.requests) return 'in-flight';
    if (bytes > 0 && this.#bytes > 0 && this.#bytes + bytes > this.#room.bytes) return 'body';
    this.#requests += 1;
    this.#bytes += bytes;
    return new Place({ request: () => (this.#requests -= 1), body: () => (this.#bytes -= bytes) });
  }
}

/**
 * Of one request. It is free again when the answer is complete *and* the connection is done with it: a client that leaves does not end the work that
 * its request has begun, and whoever reads slowly has the answer kept for him.
 */
export class Place {
  readonly #free: { request: () => void; body: () => void };
  #answered = false;
  #closed = false;
  #left = false;

  constructor(free: { request: () => void; body: () => void }) {
    this.#free = free;
  }

  answered(): void {
    if (!this.#answered && this.#closed) this.#end();
    this.#answered = true;
  }

  closed(): void {
    if (!this.#closed && this.#answered) this.#end();
    this.#closed = true;
  }

  /** Now, for what has a bound of its own from here on; its body is still in memory. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#free.request();
  }

  #end(): void {
    this.leave();
    this.#free.body();
  }
}
