import type { Claim } from '../core/reservation.js';
import { Column, Names } from './column.js';

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
  readonly #exclusive = new Column('flag');
  readonly #owner = new Column('count');
  readonly #start = new Column('number');
  readonly #end = new Column('number');
  readonly #fence = new Column('number');

  add(claim: Pick<Claim, 'resource' | 'mode'>, { owner, start, end, fence }: Interval): void {
    this.#resource.push(this.resources.number(claim.resource));
    this.#exclusive.push(claim.mode === 'exclusive' ? 1 : 0);
    this.#owner.push(owner);
    this.#start.push(start);
    this.#end.push(end);
    this.#fence.push(fence);
  }

  get(row: number): Interval & { resource: string; exclusive: boolean } {
    return {
      resource: this.resources.name(this.#resource.at(row)),
      exclusive: this.#exclusive.at(row) === 1,
      owner: this.#owner.at(row),
      start: this.#start.at(row),
      end: this.#end.at(row),
      fence: this.#fence.at(row),
    };
  }

  /** Conflicting intervals that share more than `toleranceMs`: each with the one before it that lasts longest. Touching is no overlap. */
  *overlaps(toleranceMs: number): Generator<[earlier: number, later: number]> {
    const inOrderOfTime = this.#resource.sorted(
      (a, b) => this.#byResource(a, b) || this.#start.at(a) - this.#start.at(b) || this.#end.at(a) - this.#end.at(b) || a - b,
    );
    for (const [rival, row] of this.#longestRivals(inOrderOfTime)) {
      const together = Math.min(this.#end.at(rival), this.#end.at(row)) - this.#start.at(row);
      const both = this.#end.at(rival) > this.#start.at(row) && this.#end.at(row) > this.#start.at(rival);
      if (both && (together > toleranceMs || toleranceMs === 0)) yield [rival, row];
    }
  }

  /** Conflicting intervals of which the one with the lower fence began only when the other had ended, by more than `toleranceMs`. */
  *reversals(toleranceMs: number): Generator<[lower: number, higher: number]> {
    const inOrderOfFence = this.#resource
      .sorted((a, b) => this.#byResource(a, b) || this.#fence.at(a) - this.#fence.at(b) || a - b)
      .filter(row => this.#fence.at(row) > 0);
    for (const [rival, row] of this.#longestRivals(inOrderOfFence)) {
      const reversed = this.#start.at(rival) >= this.#end.at(row) && this.#end.at(rival) > this.#start.at(row);
      if (reversed && this.#start.at(rival) - this.#start.at(row) > toleranceMs) yield [rival, row];
    }
  }

  /** With each row the conflicting one that came before it in this order, on the same resource, and ends last. */
  *#longestRivals(rows: Uint32Array): Generator<[rival: number, row: number]> {
    let resource: number | undefined;
    let any: number | undefined;
    let exclusive: number | undefined;
    for (const row of rows) {
      if (this.#resource.at(row) !== resource) [resource, any, exclusive] = [this.#resource.at(row), undefined, undefined];
      const isExclusive = this.#exclusive.at(row) === 1;
      const rival = isExclusive ? any : exclusive;
      if (rival !== undefined && this.#owner.at(rival) !== this.#owner.at(row)) yield [rival, row];
      any = this.#later(any, row);
      if (isExclusive) exclusive = this.#later(exclusive, row);
    }
  }

  #later(a: number | undefined, b: number): number {
    return a === undefined || this.#end.at(b) > this.#end.at(a) ? b : a;
  }

  #byResource(a: number, b: number): number {
    return this.#resource.at(a) - this.#resource.at(b);
  }
}
