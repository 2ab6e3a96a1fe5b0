import { opposed, type Stance } from './stance.js';

export interface Member {
  readonly seq: number;
  /** Holds what it has asked for, whatever its number. */
  readonly granted: boolean;
}

/** One task in one line. */
export interface Place<T extends Member> {
  readonly member: T;
  readonly resource: string;
  readonly units: number;
  /** The capacity that a counted claim brings along; 0: the line's own holds. */
  readonly limit: number;
  /** Of one that waits: nothing in this line is ahead of it that it could not hold together with. */
  front: boolean;
  queue: Queue<T> | undefined;
  previous: Place<T> | undefined;
  next: Place<T> | undefined;
}

/** All of a line that stand in it the same way. */
export class Queue<T extends Member> {
  readonly stance: Stance;
  /** The line's next queue. */
  sibling: Queue<T> | undefined = undefined;
  /** Units held, and one of the holders. */
  held = 0;
  holder: Place<T> | undefined = undefined;
  /** Who waits, by number; those up to `lastFront` are at the front. */
  head: Place<T> | undefined = undefined;
  tail: Place<T> | undefined = undefined;
  lastFront: Place<T> | undefined = undefined;
  frontUnits = 0;

  constructor(stance: Stance) {
    this.stance = stance;
  }

  get empty(): boolean {
    return this.head === undefined && this.holder === undefined;
  }

  /** Units that can be held together as far as this queue goes, where the line itself has this capacity for counted ones. */
  capacity(ofLine: number): number {
    if (this.stance !== 'counted') return opposed(this.stance, this.stance) ? 1 : Infinity;
    return this.tail?.limit === 0 ? ofLine : (this.tail?.limit ?? 0);
  }

  /** The first that is not at the front. */
  get behind(): Place<T> | undefined {
    return this.lastFront ? this.lastFront.next : this.head;
  }

  hold(place: Place<T>): void {
    place.previous = undefined;
    place.next = this.holder;
    if (this.holder) this.holder.previous = place;
    this.holder = place;
    this.held += place.units;
  }

  release(place: Place<T>): void {
    if (place === this.holder) this.holder = place.next;
    join(place.previous, place.next);
    this.held -= place.units;
  }

  /** By number: a late one goes before later ones, to the front if one of those is there. Resolves to whether it is. */
  enter(place: Place<T>): boolean {
    let before = this.tail;
    while (before && before.member.seq > place.member.seq) before = before.previous;
    const after = before ? before.next : this.head;
    place.previous = before;
    place.next = after;
    if (before) before.next = place;
    else this.head = place;
    if (after) after.previous = place;
    else this.tail = place;
    place.front = after?.front === true;
    if (place.front) this.frontUnits += place.units;
    return place.front;
  }

  leave(place: Place<T>): void {
    if (place.front) this.frontUnits -= place.units;
    if (place === this.lastFront) this.lastFront = place.previous;
    if (place === this.head) this.head = place.next;
    if (place === this.tail) this.tail = place.previous;
    join(place.previous, place.next);
  }
}

function join<T extends Member>(previous: Place<T> | undefined, next: Place<T> | undefined): void {
  if (previous) previous.next = next;
  if (next) next.previous = previous;
}
