import type { Mode } from './reservation.js';

/** One claim of one task, standing in the line of one resource. */
export interface Place {
  readonly task: string;
  readonly resource: string;
  readonly seq: number;
  readonly mode: Mode;
  readonly units: number;
  granted: boolean;
  /** Nothing in this line is ahead of it that conflicts. */
  front: boolean;
  group: Group | undefined;
}

/**
 * Neighbours in the line that may hold the resource together: one exclusive place, or any number of shared ones. Most are exclusive, and a set of one
 * would be half of what a place takes.
 */
class Group {
  readonly mode: Mode;
  previous: Group | undefined;
  next: Group | undefined = undefined;
  /** Upper bound of the numbers in it. */
  lastSeq = 0;
  #one: Place | undefined;
  readonly #many: Set<Place> | undefined;

  constructor(mode: Mode, previous: Group | undefined) {
    this.mode = mode;
    this.previous = previous;
    this.#many = mode === 'shared' ? new Set() : undefined;
  }

  get size(): number {
    return this.#many?.size ?? (this.#one ? 1 : 0);
  }

  get places(): Iterable<Place> {
    return this.#many ?? (this.#one ? [this.#one] : []);
  }

  add(place: Place): void {
    if (this.#many) this.#many.add(place);
    else this.#one = place;
    this.lastSeq = Math.max(this.lastSeq, place.seq);
    place.group = this;
  }

  remove(place: Place): void {
    if (this.#many) this.#many.delete(place);
    else this.#one = undefined;
    place.group = undefined;
  }
}

/** Told whenever a place comes to the front of its line, or is pushed back from it by an earlier number that came late. */
export type FrontChanged = (place: Place) => void;

/**
 * The line of one resource: granted places first, then by number. A place is at the front when it is in the first group, so joining
 * and leaving cost O(1), whatever the length of the line; only those who come to the front are touched.
 */
export class WaitingLine {
  #head: Group | undefined;
  #tail: Group | undefined;
  readonly #frontChanged: FrontChanged;

  constructor(frontChanged: FrontChanged) {
    this.#frontChanged = frontChanged;
  }

  get empty(): boolean {
    return this.#head === undefined;
  }

  /** Joins by number. A late one makes those with later numbers stand behind it again, unless they are granted. */
  join(place: Place): void {
    const later = place.granted ? [] : this.#takeBackLaterThan(place.seq);
    this.#append(place);
    for (const other of later) this.#append(other);
    this.#settle(place);
    for (const other of later) this.#settle(other);
  }

  leave(place: Place): void {
    const group = place.group;
    if (!group) return;
    group.remove(place);
    if (group.size > 0) return;
    const wasHead = group === this.#head;
    this.#unlink(group);
    if (wasHead) this.#settleGroup(this.#head);
    else this.#merge(group.previous, group.next);
  }

  /** In order: holders first. */
  *places(): Generator<Place> {
    for (let group = this.#head; group; group = group.next) yield* [...group.places].sort((a, b) => a.seq - b.seq);
  }

  #takeBackLaterThan(seq: number): Place[] {
    const taken: Place[] = [];
    while (this.#tail && this.#tail.lastSeq > seq) {
      const group = this.#tail;
      for (const place of group.places) {
        if (place.seq <= seq || place.granted) continue;
        group.remove(place);
        taken.push(place);
      }
      if (group.size > 0) break; // what stays is earlier or granted, and so is everything before it
      this.#unlink(group);
    }
    return taken.sort((a, b) => a.seq - b.seq);
  }

  #append(place: Place): void {
    const tail = this.#tail;
    if (tail?.mode === 'shared' && place.mode === 'shared') {
      tail.add(place);
      return;
    }
    const group = new Group(place.mode, tail);
    if (tail) tail.next = group;
    else this.#head = group;
    this.#tail = group;
    group.add(place);
  }

  /** Two shared groups that nothing parts any more. The smaller moves, so a place moves O(log n) times at most. */
  #merge(before: Group | undefined, after: Group | undefined): void {
    if (!(before?.mode === 'shared' && after?.mode === 'shared')) return;
    const [smaller, larger] = before.size < after.size ? [before, after] : [after, before];
    const arriving = before === this.#head ? [...after.places] : [];
    for (const place of smaller.places) larger.add(place);
    this.#unlink(smaller);
    for (const place of arriving) this.#settle(place);
  }

  #unlink(group: Group): void {
    if (group.previous) group.previous.next = group.next;
    else this.#head = group.next;
    if (group.next) group.next.previous = group.previous;
    else this.#tail = group.previous;
  }

  #settleGroup(group: Group | undefined): void {
    if (group) for (const place of group.places) this.#settle(place);
  }

  #settle(place: Place): void {
    const front = place.group === this.#head;
    if (front === place.front) return;
    place.front = front;
    this.#frontChanged(place);
  }
}
