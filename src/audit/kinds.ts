import type { Mode } from '../core/reservation.js';
import { isPattern, patternsAbove } from '../core/subtree.js';

/**
 * How a task stands with a name: as it asked for it, or, with the name of a pattern, as it asked for something beneath. `sole`: it counts so many units
 * that no two such fit together. The audit's own reckoning: it must not share a mistake with the conflict graph.
 */
export const KINDS = ['exclusive', 'shared', 'counted', 'sole', 'beneath', 'shared beneath'] as const;
export type Kind = (typeof KINDS)[number];

const TOGETHER: Readonly<Record<Kind, readonly Kind[]>> = {
  exclusive: [],
  shared: ['shared', 'shared beneath'],
  counted: ['counted', 'sole', 'beneath', 'shared beneath'],
  sole: ['counted', 'beneath', 'shared beneath'],
  beneath: ['counted', 'sole', 'beneath', 'shared beneath'],
  'shared beneath': ['shared', 'counted', 'sole', 'beneath', 'shared beneath'],
};

/** The kinds that cannot be had together with this one. */
export function rivalsOf(kind: Kind): readonly Kind[] {
  return RIVALS[kind];
}

const RIVALS = Object.fromEntries(
  KINDS.map(kind => [kind, KINDS.filter(other => !TOGETHER[kind].includes(other))]),
) as unknown as Readonly<Record<Kind, readonly Kind[]>>;

/** Patterns that somebody has asked for: only in their names what lies beneath has to be looked for. */
export class Patterns {
  readonly #names = new Set<string>();

  get size(): number {
    return this.#names.size;
  }

  note(resource: string): void {
    if (isPattern(resource)) this.#names.add(resource);
  }

  /** Those that cover this name, itself excepted. */
  above(resource: string): string[] {
    return this.#names.size === 0 ? [] : patternsAbove(resource).filter(pattern => this.#names.has(pattern));
  }
}

/** What a claim is to the patterns above it. */
export function beneath(mode: Mode | Kind): Kind {
  return mode === 'shared' || mode === 'shared beneath' ? 'shared beneath' : 'beneath';
}
