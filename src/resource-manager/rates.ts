import type { StoredBucket } from '../core/bucket.js';
import type { Rate } from '../core/rate.js';
import { ReadyQueue } from '../core/ready-queue.js';
import type { Clock } from '../process/runtime.js';
import type { BucketWrite, GrantRequest } from '../store/store.js';
import { Gate } from './gate.js';

/** How a task with a rate stands: in line (or not here at all), granted and about to start, or started. */
export type RateStanding = 'line' | 'pending' | 'begun';

interface Limited {
  id: string;
  rate?: Rate | undefined;
}

/** Entries of the agenda that mean nothing any more, beyond twice what there is: then it is written anew. */
const STALE = 1_000;
/** A part of a millisecond cannot be waited for. */
const MIN_WAIT_MS = 1;

/**
 * The rate limits of the deployment, at the one who grants: a gate for each key that somebody needs. Gates are looked at when they are due, so
 * that a thousand keys whose turn is tomorrow cost nothing today.
 */
export class Rates {
  readonly #clock: Clock;
  readonly #gates = new Map<string, Gate>();
  readonly #unread = new Set<Gate>();
  #agenda = new ReadyQueue<{ seq: number; gate: Gate }>();
  #knownSinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#knownSinceMs = clock.monotonicMs();
  }

  get size(): number {
    return this.#gates.size;
  }

  /** All who hold are known now: whoever starts from here on is seen to start. */
  rebuilt(): void {
    this.#knownSinceMs = this.#clock.monotonicMs();
  }

  /** A task with a rate came into the book under this number, or stands otherwise there. */
  moved(id: string, rate: Rate, seq: number, [from, to]: [RateStanding | undefined, RateStanding]): void {
    const gate = this.#gate(rate);
    const now = this.#clock.monotonicMs();
    if (from === undefined) gate.members++;
    gate.noteLimit(rate, seq, now);
    if (to !== 'line') gate.leave(id);
    if (to === 'pending') gate.mayBegin(id);
    else gate.begun(id, now);
    this.#plan(gate);
  }

  granted(id: string, { key }: Rate): void {
    const gate = this.#gates.get(key);
    gate?.granted(id, this.#clock.monotonicMs());
    if (gate) this.#plan(gate);
  }

  left(id: string, { key }: Rate): void {
    const gate = this.#gates.get(key);
    if (!gate) return;
    gate.members--;
    gate.leave(id);
    gate.begun(id, this.#clock.monotonicMs());
    this.#plan(gate);
  }

  /** Nothing but a token keeps this one. */
  park(id: string, rate: Rate, seq: number): void {
    const gate = this.#gate(rate);
    gate.park(id, seq);
    if (!gate.read) this.#unread.add(gate);
    this.#plan(gate);
  }

  /** Keys whose buckets must be read before anybody is granted by them. */
  unread(limit: number): string[] {
    return [...this.#unread].slice(0, limit).map(({ key }) => key);
  }

  learn(keys: readonly string[], stored: readonly StoredBucket[]): void {
    const byKey = new Map(stored.map(each => [each.key, each]));
    const now = this.#clock.monotonicMs();
    for (const key of keys) {
      const gate = this.#gates.get(key);
      if (!gate) continue;
      this.#unread.delete(gate);
      gate.learn(byKey.get(key), now - this.#knownSinceMs, now);
      this.#plan(gate);
    }
  }

  /** Up to so many whose turn has come. */
  take(limit: number, mayGrant: (id: string, seq: number) => boolean): string[] {
    const now = this.#clock.monotonicMs();
    const ids: string[] = [];
    while (ids.length < limit) {
      const gate = this.#due(now);
      if (!gate) break;
      gate.dueAtMs = Infinity;
      const taken = gate.next(Math.min(limit - ids.length, gate.bucket.tokens(now)), mayGrant);
      ids.push(...taken);
      if (gate.members === 0 && gate.bucket.debtMs(now) === 0) this.#forget(gate);
      // The tokens of these are taken when their grants stand; until then it is not looked at again.
      else if (taken.length === 0) this.#plan(gate);
    }
    return ids;
  }

  /** Whole milliseconds until the next token that somebody waits for. */
  get dueInMs(): number {
    const now = this.#clock.monotonicMs();
    for (let next; (next = this.#agenda.first); this.#agenda.pop()) {
      if (next.gate.dueAtMs === next.seq) return Math.ceil(Math.max(0, next.seq - now));
    }
    return Infinity;
  }

  /** Who keeps others waiting because nobody has seen them start: to be read again now and then, at most so many. */
  awaited(limit: number): string[] {
    const ids: string[] = [];
    for (const { waiting, pending, dueAtMs } of this.#gates.values()) {
      if (waiting === 0 || dueAtMs !== Infinity) continue;
      for (const id of pending) if (ids.length < limit) ids.push(id);
    }
    return ids;
  }

  /** What is to be written of the buckets with these grants, whose fences begin with this one. */
  recordsOf(requests: readonly GrantRequest[], limited: (id: string) => Limited | undefined, fence: number): BucketWrite[] {
    const granted = new Map<Gate, { count: number; last: { task: string; fence: number } }>();
    let next = fence;
    for (const { id, maxAttempts } of requests) {
      const rate = limited(id)?.rate;
      const gate = rate && this.#gates.get(rate.key);
      if (gate) granted.set(gate, { count: (granted.get(gate)?.count ?? 0) + 1, last: { task: id, fence: next } });
      next += maxAttempts;
    }
    const now = this.#clock.monotonicMs();
    return [...granted].map(([gate, { count, last }]) => gate.recordAfter(count, last, now));
  }

  #gate(rate: Rate): Gate {
    let gate = this.#gates.get(rate.key);
    if (!gate) this.#gates.set(rate.key, (gate = new Gate(rate)));
    return gate;
  }

  /** When it is to be looked at: at its next token, or when nobody needs it and it is as good as none. */
  #plan(gate: Gate): void {
    const now = this.#clock.monotonicMs();
    const { bucket } = gate;
    const waitMs = gate.members === 0 ? bucket.debtMs(now) : gate.waiting > 0 && gate.read ? bucket.waitMs(now) : Infinity;
    const dueAtMs = waitMs === 0 ? now : now + Math.max(MIN_WAIT_MS, waitMs);
    if (dueAtMs === gate.dueAtMs) return;
    gate.dueAtMs = dueAtMs;
    if (dueAtMs === Infinity) return;
    this.#agenda.push({ seq: dueAtMs, gate });
    if (this.#agenda.size > 2 * this.#gates.size + STALE) this.#rewrite();
  }

  #forget(gate: Gate): void {
    this.#gates.delete(gate.key);
    this.#unread.delete(gate);
  }

  #rewrite(): void {
    this.#agenda = new ReadyQueue();
    for (const gate of this.#gates.values()) if (gate.dueAtMs !== Infinity) this.#agenda.push({ seq: gate.dueAtMs, gate });
  }

  #due(now: number): Gate | undefined {
    for (let next; (next = this.#agenda.first) && next.seq <= now;) {
      this.#agenda.pop();
      if (next.gate.dueAtMs === next.seq) return next.gate;
    }
    return undefined;
  }
}
