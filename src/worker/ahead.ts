import type { Events } from '../dispatch/events.js';
import type { Clock } from '../process/runtime.js';
import type { Claimed } from './claimed.js';
import { giveBack, type GiveBackDeps } from './give-back.js';

export interface AheadDeps extends GiveBackDeps {
  events: Pick<Events, 'look'>;
  clock: Clock;
  slots: number;
  /** Undefined while this process must not start anything. */
  incarnation: () => string | undefined;
}

/** Whoever stands here longer is given back: another worker may have a slot. */
const WAIT_MS = 1_000;
const AT_MOST = 100;
/** How many claims' worth of tasks to have at hand, where tasks are shorter than a claim. Each claim then brings half of that. */
const CLAIMS_AHEAD = 8;
/** … but no more than are used up in this time, however slow the database is: the rest would be given back. */
const USED_WITHIN_MS = 500;

/**
 * Starts that wait for a slot: as many as will be used up by the time the next claim is answered, and by a few more, so that short tasks need not
 * wait for the database one after another. While tasks are longer than a claim takes, none. Only types that may run again are claimed like this:
 * nobody runs what stands here when this worker dies.
 */
export class Ahead {
  readonly #deps: AheadDeps;
  #slots: number;
  #starts: { claimed: Claimed; sinceMs: number }[] = [];
  #wanted = 0;
  /** Slots, since the last claim was answered. */
  #freed = 0;
  #answeredAtMs = -Infinity;

  constructor(deps: AheadDeps) {
    this.#deps = deps;
    this.#slots = deps.slots;
  }

  resize(slots: number): void {
    this.#slots = slots;
  }

  /** How many to claim beyond the slots that are free: none before half of them are used up, as ten in one claim cost little more than one. */
  get room(): number {
    return 2 * this.#starts.length > this.#wanted ? 0 : this.#wanted - this.#starts.length;
  }

  get size(): number {
    return this.#starts.length;
  }

  has(id: string): boolean {
    return this.#starts.some(({ claimed }) => claimed.task.id === id);
  }

  slotFreed(): void {
    this.#freed++;
  }

  /**
   * Twice what is used up while a claim is away, and more where that is every slot: one that ends now and then is no sign of short tasks. Measured from one
   * answer to the next, as the shortest of tasks have all ended before a claim is sent.
   */
  async duringClaim<T>(claim: () => Promise<T>): Promise<T> {
    const { clock } = this.#deps;
    const sentAtMs = clock.monotonicMs();
    const answer = await claim();
    const now = clock.monotonicMs();
    const tookMs = Math.max(1, now - sentAtMs);
    const used = (this.#freed * tookMs) / Math.max(tookMs, now - this.#answeredAtMs);
    const claims = Math.ceil(used) >= this.#slots ? Math.max(1, Math.min(CLAIMS_AHEAD, USED_WITHIN_MS / tookMs)) : 2;
    this.#wanted = Math.min(AT_MOST, Math.max(Math.round(used * claims), this.#wanted >> 1));
    this.#answeredAtMs = now;
    this.#freed = 0;
    return answer;
  }

  /** One that may not run again goes back at once: it was claimed for a slot that is there no longer. */
  add(starts: readonly Claimed[]): void {
    const sinceMs = this.#deps.clock.monotonicMs();
    for (const claimed of starts) {
      if (claimed.task.onWorkerLoss === 'requeue')
        this.#starts.push({ claimed, sinceMs }); // bounded by `room`, and by the slots
      else void giveBack(claimed, this.#deps);
    }
  }

  /** The oldest, for a slot that is free now. */
  take(): Claimed | undefined {
    const { own, incarnation } = this.#deps;
    for (let next; (next = this.#starts.shift());) {
      if (next.claimed.incarnation === incarnation()) return next.claimed;
      own.forget(next.claimed.task.id, next.claimed.token); // fenced meanwhile: the sweep ends that start
    }
    return undefined;
  }

  /** Gives back those that have waited too long; answers how long the next may still wait, in milliseconds. */
  dropOld(): number {
    const now = this.#deps.clock.monotonicMs();
    while (this.#starts[0] && this.#starts[0].sinceMs + WAIT_MS <= now) {
      this.#wanted = 0; // or they would be claimed anew
      const old = this.#starts.shift();
      if (old) void giveBack(old.claimed, this.#deps);
    }
    return this.#starts[0] ? this.#starts[0].sinceMs + WAIT_MS - now : Infinity;
  }

  /** A cancel ends it here and now. Whether it stood here. */
  cancel(id: string): boolean {
    const found = this.#starts.find(({ claimed }) => claimed.task.id === id);
    if (!found) return false;
    this.#starts = this.#starts.filter(each => each !== found);
    void giveBack(found.claimed, this.#deps).then(() => this.#deps.events.look([id]));
    return true;
  }

  /** Gives all back; for good only if nothing is claimed any more. */
  async empty(): Promise<void> {
    this.#wanted = 0;
    await Promise.all(this.#starts.splice(0).map(({ claimed }) => giveBack(claimed, this.#deps)));
  }
}
