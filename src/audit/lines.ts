import type { Claim } from '../core/reservation.js';
import { beneath, Patterns, rivalsOf, type Kind } from './kinds.js';

/** Those of one kind in the line of one resource, as far as they decide who is next. */
interface Row {
  holders: number;
  first: number;
}

interface Line extends Partial<Record<Kind, Row>> {
  /** Units that are held. */
  units?: number;
  /** The least that a claim in it says there is. */
  capacity?: number;
}

/** The lines of all resources. The audit's own reckoning: it must not share a mistake with the conflict graph. */
export class Lines {
  readonly #lines = new Map<string, Line>();
  readonly #released = new Map<string, number>();
  readonly #patterns = new Patterns();
  #folded = false;

  hold(claim: Claim): void {
    const line = this.#line(claim.resource);
    row(line, claim.mode).holders++;
    if (claim.mode === 'counted') line.units = (line.units ?? 0) + claim.units;
  }

  wait(claim: Claim, seq: number): void {
    const line = this.#line(claim.resource);
    const own = row(line, claim.mode);
    own.first = Math.min(own.first, seq);
    if (claim.capacity !== undefined) line.capacity = Math.min(claim.capacity, line.capacity ?? Infinity);
  }

  release({ resource }: Claim, atMs: number): void {
    this.#patterns.note(resource);
    if (atMs > (this.#released.get(resource) ?? -Infinity)) this.#released.set(resource, atMs);
  }

  /** When somebody has last let go of this, of what covers it, or of what it covers. */
  releasedAt({ resource }: Claim): number {
    return Math.max(...[resource, ...this.#above(resource)].map(name => this.#released.get(name) ?? -Infinity));
  }

  /** Whether a holder, or somebody with a lower number, keeps this claim from being granted. */
  blocked(claim: Claim, seq: number, capacities: ReadonlyMap<string, number> | undefined): boolean {
    const above = this.#above(claim.resource);
    const own = this.#lines.get(claim.resource) ?? {};
    if (opposed(own, claim.mode, seq)) return true;
    if (above.some(pattern => opposed(this.#lines.get(pattern) ?? {}, beneath(claim.mode), seq))) return true;
    if (claim.mode !== 'counted') return false;
    const capacity = own.capacity ?? capacities?.get(claim.resource) ?? 0;
    return (own.counted?.first ?? Infinity) < seq || (own.units ?? 0) + claim.units > capacity;
  }

  #line(resource: string): Line {
    this.#patterns.note(resource);
    const line = this.#lines.get(resource) ?? {};
    this.#lines.set(resource, line);
    return line;
  }

  /** Patterns that cover this; by then, all that lies beneath them stands in their lines too. */
  #above(resource: string): string[] {
    if (!this.#folded && this.#patterns.size > 0) this.#fold();
    return this.#patterns.above(resource);
  }

  #fold(): void {
    this.#folded = true;
    for (const [name, releasedAt] of [...this.#released])
      for (const pattern of this.#patterns.above(name))
        this.#released.set(pattern, Math.max(releasedAt, this.#released.get(pattern) ?? -Infinity));
    for (const [name, line] of [...this.#lines]) for (const pattern of this.#patterns.above(name)) this.#into(pattern, line);
  }

  #into(pattern: string, rows: Line): void {
    const line = this.#line(pattern);
    for (const kind of ['exclusive', 'shared', 'counted'] as const) {
      const from = rows[kind];
      if (!from) continue;
      const into = row(line, beneath(kind));
      into.holders += from.holders;
      into.first = Math.min(into.first, from.first);
    }
  }
}

function row(line: Line, kind: Kind): Row {
  return (line[kind] ??= { holders: 0, first: Infinity });
}

function opposed(line: Line, kind: Kind, seq: number): boolean {
  return rivalsOf(kind).some(rival => {
    const { holders = 0, first = Infinity } = line[rival] ?? {};
    return holders > 0 || first < seq;
  });
}
