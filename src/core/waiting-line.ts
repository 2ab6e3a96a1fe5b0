import { Queue, type Member, type Place } from './line-queue.js';
import { opposed, type Stance } from './stance.js';

/** Told whenever a place comes to the front of its line, or is pushed back from it by an earlier number that came late. */
export type FrontChanged<T extends Member> = (place: Place<T>) => void;

/**
 * The line of one resource, or of one pattern. A place is at the front when everything ahead of it (holders, and those who wait with lower
 * numbers) can be held together with it. Each stance has a queue of its own, of which the front is a beginning: up to the first of those that it is
 * opposed to, and as far as the units reach. So joining and leaving cost O(1), whatever the length of the line; only those who come to the
 * front, or are pushed back from it, are touched.
 */
export class WaitingLine<T extends Member> {
  #capacity = 0;
  #queues: Queue<T> | undefined;
  readonly #frontChanged: FrontChanged<T>;

  constructor(frontChanged: FrontChanged<T>) {
    this.#frontChanged = frontChanged;
  }

  get empty(): boolean {
    return this.#queues === undefined;
  }

  /** Nobody in it asked for its very name. */
  get intentionsOnly(): boolean {
    for (let queue = this.#queues; queue; queue = queue.sibling) if (queue.stance !== 'IX' && queue.stance !== 'IS') return false;
    return true;
  }

  /** Units of counted claims that can be held together now. */
  get capacity(): number {
    for (let queue = this.#queues; queue; queue = queue.sibling)
      if (queue.stance === 'counted') return queue.capacity(this.#capacity);
    return this.#capacity;
  }

  /** Of counted claims that do not bring a capacity along. */
  setCapacity(units: number): void {
    this.#capacity = units;
    this.#settle();
  }

  join(place: Place<T>, stance: Stance): void {
    const queue = this.#queue(stance);
    place.queue = queue;
    if (place.member.granted) queue.hold(place);
    else if (queue.enter(place)) this.#frontChanged(place);
    this.#settle();
  }

  /** It waited, and has been granted. */
  hold(place: Place<T>): void {
    place.queue?.leave(place);
    place.queue?.hold(place);
    this.#settle();
  }

  leave(place: Place<T>): void {
    const { queue } = place;
    if (!queue) return;
    if (place.member.granted) queue.release(place);
    else queue.leave(place);
    place.queue = undefined;
    if (queue.empty) this.#unlink(queue);
    this.#settle();
  }

  /** Holders and those who wait, in no order. */
  *places(): Generator<[place: Place<T>, stance: Stance]> {
    for (let queue = this.#queues; queue; queue = queue.sibling) {
      for (let place = queue.holder; place; place = place.next) yield [place, queue.stance];
      for (let place = queue.head; place; place = place.next) yield [place, queue.stance];
    }
  }

  #queue(stance: Stance): Queue<T> {
    for (let queue = this.#queues; queue; queue = queue.sibling) if (queue.stance === stance) return queue;
    const queue = new Queue<T>(stance);
    queue.sibling = this.#queues;
    this.#queues = queue;
    return queue;
  }

  #unlink(gone: Queue<T>): void {
    if (this.#queues === gone) this.#queues = gone.sibling;
    else for (let queue = this.#queues; queue; queue = queue.sibling) if (queue.sibling === gone) queue.sibling = gone.sibling;
  }

  #settle(): void {
    for (let queue = this.#queues; queue; queue = queue.sibling) this.#settleQueue(queue);
  }

  #settleQueue(queue: Queue<T>): void {
    if (!queue.head) return;
    const barrier = this.#barrier(queue);
    let room = queue.capacity(this.#capacity) - queue.held - queue.frontUnits;
    for (let last = queue.lastFront; last && (room < 0 || last.member.seq > barrier); last = queue.lastFront) {
      queue.lastFront = last.previous;
      room += last.units;
      this.#move(last, false);
    }
    for (let next = queue.behind; next && next.units <= room && next.member.seq < barrier; next = queue.behind) {
      queue.lastFront = next;
      room -= next.units;
      this.#move(next, true);
    }
  }

  #move(place: Place<T>, front: boolean): void {
    place.front = front;
    if (place.queue) place.queue.frontUnits += front ? place.units : -place.units;
    this.#frontChanged(place);
  }

  /** The first number of those that this queue is opposed to, itself excepted; -Infinity when one of them holds. */
  #barrier({ stance }: Queue<T>): number {
    let barrier = Infinity;
    for (let other = this.#queues; other; other = other.sibling) {
      if (other.stance === stance || !opposed(stance, other.stance)) continue;
      if (other.held > 0) return -Infinity;
      barrier = Math.min(barrier, other.head?.member.seq ?? Infinity);
    }
    return barrier;
  }
}
