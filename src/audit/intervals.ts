import type { Claim } from '../core/reservation.js';
import { Column, Names } from './column.js';
import { beneath, KINDS, Patterns, rivalsOf, type Kind } from './kinds.js';
import { overfull } from './overfull.js';

export interface Interval {
  /** Who had it: intervals of one owner never stand in each other's way. */
  owner: number;
  start: number;
  end: number;
  /** 0: none. */
  fence: number;
}

/** Who had which resource from when to when. Finds those that had one together although they conflict, in O(n log n). */
export class Intervals {
  readonly resources = new Names();
  readonly #resource = new Column('count');
  readonly #kind = new Column('flag');
  readonly #units = new Column('count');
  readonly #owner = new Column('count');
  readonly #start = new Column('number');
  readonly #end = new Column('number');
  readonly #fence = new Column('number');
  readonly #patterns = new Patterns();
  /** The most that a claim has said there is of it. */
  readonly #limits = new Map<string, number>();
  /** Behind the rows that were added: one for each of them and each pattern above it. */
  readonly #source = new Column('count');
  #added: number | undefined;

  add({ resource, mode, units, capacity }: Claim, interval: Interval): void {
    this.#patterns.note(resource);
    if (capacity !== undefined) this.#limits.set(resource, Math.max(capacity, this.#limits.get(resource) ?? 0));
    this.#push(resource, mode, { ...interval, units });
  }

  get(row: number): Interval & { resource: string; kind: Kind; units: number } {
    return {
      resource: this.resources.name(this.#resource.at(row)),
      kind: this.#kindOf(row),
      units: this.#units.at(row),
      owner: this.#owner.at(row),
      start: this.#start.at(row),
      end: this.#end.at(row),
      fence: this.#fence.at(row),
    };
  }

  /**
   * Conflicting intervals that share more than `toleranceMs`: each with the one before it that lasts longest. Touching is no overlap. Where `allowed` says that
   * those two may, with the first before it that may not.
   */
  *overlaps(
    toleranceMs: number,
    allowed: (earlier: number, later: number) => boolean = () => false,
  ): Generator<[earlier: number, later: number]> {
    this.#addBeneath();
    const inOrderOfTime = this.#resource.sorted(
      (a, b) => this.#byResource(a, b) || this.#start.at(a) - this.#start.at(b) || this.#end.at(a) - this.#end.at(b) || a - b,
    );
    for (const [rival, row] of this.#longestRivals(inOrderOfTime)) {
      const pair: [number, number] = [this.#sourceOf(rival), this.#sourceOf(row)];
      if (!this.#overlap(rival, row, toleranceMs)) continue;
      if (!allowed(...pair)) yield pair;
      else
        yield* this.#others(
          inOrderOfTime,
          row,
          each => this.#overlap(each, row, toleranceMs) && !allowed(this.#sourceOf(each), pair[1]),
        );
    }
  }

  #overlap(rival: number, row: number, toleranceMs: number): boolean {
    const together = Math.min(this.#end.at(rival), this.#end.at(row)) - this.#start.at(row);
    const both = this.#end.at(rival) > this.#start.at(row) && this.#end.at(row) > this.#start.at(rival);
    return both && (together > toleranceMs || toleranceMs === 0);
  }

  /** The first before `row` in this order that conflicts with it and is wrong: a look at each of them, for the few of whom that is asked. */
  *#others(rows: Uint32Array, row: number, wrong: (other: number) => boolean): Generator<[earlier: number, later: number]> {
    for (const other of rows) {
      if (other === row) return;
      if (this.#resource.at(other) !== this.#resource.at(row) || this.#owner.at(other) === this.#owner.at(row)) continue;
      if (!rivalsOf(this.#kindOf(row)).includes(this.#kindOf(other))) continue;
      if (!wrong(other)) continue;
      yield [this.#sourceOf(other), this.#sourceOf(row)];
      return;
    }
  }

  /** Conflicting intervals of which the one with the lower fence began only when the other had ended, by more than `toleranceMs`. */
  *reversals(toleranceMs: number): Generator<[lower: number, higher: number]> {
    this.#addBeneath();
    const inOrderOfFence = this.#resource
      .sorted((a, b) => this.#byResource(a, b) || this.#fence.at(a) - this.#fence.at(b) || a - b)
      .filter(row => this.#fence.at(row) > 0);
    for (const [rival, row] of this.#longestRivals(inOrderOfFence)) {
      const reversed = this.#start.at(rival) >= this.#end.at(row) && this.#end.at(rival) > this.#start.at(row);
      if (reversed && this.#start.at(rival) - this.#start.at(row) > toleranceMs)
        yield [this.#sourceOf(rival), this.#sourceOf(row)];
    }
  }

  /**
   * Intervals that began when others had so many units that there were not enough left, with those others. Of what nobody says how much there is of it,
   * nothing can be said.
   */
  *excesses(toleranceMs: number, capacities: ReadonlyMap<string, number> = new Map()): Generator<Excess> {
    const counted = this.#resource
      .sorted((a, b) => this.#byResource(a, b) || this.#start.at(a) - this.#start.at(b) || a - b)
      .filter(row => this.#kindOf(row) === 'counted' && row < (this.#added ?? Infinity));
    for (const rows of this.#partedByResource(counted)) {
      const { resource } = this.get(rows[0] ?? 0);
      const capacity = this.#limits.get(resource) ?? capacities.get(resource);
      if (capacity === undefined) continue;
      const all = rows.map(row => ({ ...this.get(row), row }));
      for (const together of overfull(all, capacity, toleranceMs))
        yield { resource, capacity, rows: together.map(each => each.row) };
    }
  }

  #push(resource: string, kind: Kind, { owner, start, end, fence, units }: Interval & { units: number }): void {
    this.#resource.push(this.resources.number(resource));
    this.#kind.push(KINDS.indexOf(kind));
    this.#units.push(units);
    this.#owner.push(owner);
    this.#start.push(start);
    this.#end.push(end);
    this.#fence.push(fence);
  }

  /** In the name of each pattern above it, where there are any. */
  #addBeneath(): void {
    if (this.#added !== undefined) return;
    this.#added = this.#resource.length;
    if (this.#patterns.size === 0) return;
    for (let row = 0; row < this.#added; row++) {
      const { resource, kind, ...interval } = this.get(row);
      for (const pattern of this.#patterns.above(resource)) {
        this.#push(pattern, beneath(kind), interval);
        this.#source.push(row);
      }
    }
  }

  #sourceOf(row: number): number {
    const added = this.#added ?? Infinity;
    return row < added ? row : this.#source.at(row - added);
  }

  /**
   * With each row the conflicting one that came before it in this order, on the same resource, and ends last. Of each kind those of two owners are
   * remembered: who has a pattern and more of what lies beneath it stands in that line twice, and must not hide others from itself.
   */
  *#longestRivals(rows: Uint32Array): Generator<[rival: number, row: number]> {
    let resource: number | undefined;
    let longest: Partial<Record<Kind, Longest>> = {};
    for (const row of rows) {
      if (this.#resource.at(row) !== resource) [resource, longest] = [this.#resource.at(row), {}];
      const kind = this.#kindOf(row);
      let rival: number | undefined;
      for (const other of rivalsOf(kind)) {
        const each = longest[other]?.find(one => this.#owner.at(one) !== this.#owner.at(row));
        if (each !== undefined) rival = this.#later(rival, each);
      }
      if (rival !== undefined) yield [rival, row];
      longest[kind] = this.#longest(longest[kind], row);
    }
  }

  #longest([first, second]: Longest = [], row: number): Longest {
    if (first === undefined) return [row];
    const own = this.#owner.at(first) === this.#owner.at(row);
    const other = own ? second : this.#later(second, row);
    if (this.#later(first, row) !== row) return other === undefined ? [first] : [first, other];
    return own ? (second === undefined ? [row] : [row, second]) : [row, first];
  }

  *#partedByResource(rows: Uint32Array): Generator<number[]> {
    let part: number[] = [];
    for (const row of rows) {
      const [first] = part;
      if (first !== undefined && this.#resource.at(first) !== this.#resource.at(row)) {
        yield part;
        part = [];
      }
      part.push(row);
    }
    if (part.length > 0) yield part;
  }

  #kindOf(row: number): Kind {
    return KINDS[this.#kind.at(row)] ?? 'exclusive';
  }

  #later(a: number | undefined, b: number): number {
    return a === undefined || this.#end.at(b) > this.#end.at(a) ? b : a;
  }

  #byResource(a: number, b: number): number {
    return this.#resource.at(a) - this.#resource.at(b);
  }
}

/** The row that ends last, and the one of another owner that does. */
type Longest = number[];

export interface Excess {
  resource: string;
  capacity: number;
  /** The last one is the one too many. */
  rows: number[];
}
