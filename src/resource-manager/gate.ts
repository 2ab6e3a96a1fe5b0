import { Bucket, debtOf, type BucketRecord, type StoredBucket } from '../core/bucket.js';
import type { Rate } from '../core/rate.js';
import { ReadyQueue } from '../core/ready-queue.js';

/** Entries of the line that stand for nobody, beyond twice what there is. */
const STALE = 100;

interface Waiting {
  readonly id: string;
  readonly seq: number;
}

/** One key: its bucket, and those of its tasks that nothing but a token keeps, lowest number first. */
export class Gate {
  readonly key: string;
  readonly bucket: Bucket;
  /** Tasks of this key that the book has. */
  members = 0;
  /** What the database says of the bucket is known. */
  read = false;
  /** When it is to be looked at, as it stands in the agenda. */
  dueAtMs = Infinity;
  readonly #pending = new Set<string>();
  #line = new ReadyQueue<Waiting>();
  /** By id the number under which it stands in line: whoever is there otherwise has left it. */
  readonly #waiting = new Map<string, number>();
  #limitSeq = 0;

  constructor({ key, count, perMs }: Rate) {
    this.key = key;
    this.bucket = new Bucket({ count, perMs });
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Granted, and not known to have begun. */
  get pending(): ReadonlySet<string> {
    return this.#pending;
  }

  /** The limit of the newest number holds. */
  noteLimit({ count, perMs }: Pick<Rate, 'count' | 'perMs'>, seq: number, now: number): void {
    if (seq <= this.#limitSeq) return;
    this.#limitSeq = seq;
    this.bucket.change({ count, perMs }, now);
  }

  /** What a former leader wrote. */
  learn(stored: StoredBucket | undefined, knownForMs: number, now: number): void {
    this.read = true;
    if (!stored) return;
    const limit = this.bucket.limit;
    this.bucket.change(stored, now);
    this.bucket.owes(debtOf(stored, knownForMs), now);
    if (stored.seq > this.#limitSeq) this.#limitSeq = stored.seq;
    else this.bucket.change(limit, now);
  }

  park(id: string, seq: number): void {
    if (this.#waiting.get(id) === seq) return;
    this.#waiting.set(id, seq);
    this.#line.push({ id, seq });
  }

  leave(id: string): void {
    if (this.#waiting.delete(id) && this.#line.size > 2 * this.#waiting.size + STALE) this.#forgetStale();
  }

  /** Up to so many, first come, first served, of whom `mayGrant` says that nothing stands in their way still. They have left the line. */
  next(limit: number, mayGrant: (id: string, seq: number) => boolean): string[] {
    const ids: string[] = [];
    while (ids.length < limit) {
      const first = this.#line.pop();
      if (!first) break;
      if (this.#waiting.get(first.id) !== first.seq) continue;
      this.#waiting.delete(first.id);
      if (mayGrant(first.id, first.seq)) ids.push(first.id);
    }
    return ids;
  }

  granted(id: string, now: number): void {
    this.bucket.take(1, now);
    this.#pending.add(id);
  }

  mayBegin(id: string): void {
    if (this.#pending.has(id)) return;
    this.#pending.add(id);
    this.bucket.mayBegin();
  }

  begun(id: string, now: number): void {
    if (this.#pending.delete(id)) this.bucket.begun(now);
  }

  #forgetStale(): void {
    this.#line = new ReadyQueue();
    for (const [id, seq] of this.#waiting) this.#line.push({ id, seq });
  }

  /** As it stands when so many more are granted, of which this is the last. */
  recordAfter(count: number, last: BucketRecord['last'], now: number): BucketRecord & { debtMs: number } {
    const { limit, pending } = this.bucket;
    const debtMs = this.bucket.debtMs(now) + (count * limit.perMs) / limit.count;
    return { key: this.key, ...limit, seq: this.#limitSeq, pending: pending + count, last, debtMs };
  }
}
