/** One consumer at the broker with a prefetch of its own. */
export interface Portion {
  readonly tag: string;
  readonly prefetch: number;
  unacknowledged: number;
  cancelled: boolean;
}

export type Move = { move: 'consume'; prefetch: number } | { move: 'cancel'; portion: Portion };

/**
 * Keeps the number of unacknowledged deliveries of one channel at a limit that changes. RabbitMQ counts prefetch per consumer and fixes
 * it when the consumer starts (a limit per channel is refused by quorum queues), and what a cancelled consumer still holds does not
 * count for the next one: cancel and consume again, a few times, and one process hoards the queue. So a limit is made of portions, each
 * a consumer of its own, and what cancelled ones hold is taken off. Raising costs one consumer more and cancels nothing.
 */
export class Portions {
  readonly #open: Portion[] = [];
  #held = 0;

  /** Consumers that are open. */
  get count(): number {
    return this.#open.length;
  }

  /** Deliveries that the broker may still send. */
  get free(): number {
    return this.#open.reduce((sum, portion) => sum + portion.prefetch - portion.unacknowledged, 0);
  }

  /** The next step towards `limit`, or none when it is reached. */
  next(limit: number): Move | undefined {
    const target = Math.max(0, limit - this.#held);
    const capacity = this.#open.reduce((sum, portion) => sum + portion.prefetch, 0);
    const last = this.#open.at(-1);
    if (capacity > target && last) return { move: 'cancel', portion: last };
    if (capacity < target) return { move: 'consume', prefetch: target - capacity };
    return undefined;
  }

  open(tag: string, prefetch: number): Portion {
    const portion: Portion = { tag, prefetch, unacknowledged: 0, cancelled: false };
    this.#open.push(portion);
    return portion;
  }

  cancelled(portion: Portion): void {
    const index = this.#open.indexOf(portion);
    if (index === -1) return;
    this.#open.splice(index, 1);
    portion.cancelled = true;
    this.#held += portion.unacknowledged;
  }

  delivered(portion: Portion): void {
    portion.unacknowledged++;
    if (portion.cancelled) this.#held++;
  }

  settled(portion: Portion): void {
    portion.unacknowledged--;
    if (portion.cancelled) this.#held--;
  }
}
