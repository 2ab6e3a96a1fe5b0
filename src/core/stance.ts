import type { Mode } from './reservation.js';

/**
 * How a task stands in a line: as it asked for that very name, or, in the line of a pattern, as it asked for names beneath. `IX` (something
 * beneath, exclusive or counted), `IS` (something beneath, shared) and `SIX` (the whole shared, and more of something beneath) are the intentions of
 * multi-granularity locking.
 */
export type Stance = Mode | 'IX' | 'IS' | 'SIX';

const OPPOSED: Readonly<Record<Stance, readonly Stance[]>> = {
  exclusive: ['exclusive', 'shared', 'counted', 'IX', 'IS', 'SIX'],
  shared: ['exclusive', 'counted', 'IX', 'SIX'],
  counted: ['exclusive', 'shared', 'SIX'],
  IX: ['exclusive', 'shared', 'SIX'],
  IS: ['exclusive'],
  SIX: ['exclusive', 'shared', 'counted', 'IX', 'SIX'],
};

export function opposed(a: Stance, b: Stance): boolean {
  return OPPOSED[a].includes(b);
}

/** What a place in this line says of the line of a pattern above it. */
export function intentionOf(stance: Stance): Stance {
  return stance === 'shared' || stance === 'IS' ? 'IS' : 'IX';
}

/** Of a task that stands in one line for two reasons: what is opposed to whatever either is opposed to. */
export function together(a: Stance, b: Stance): Stance {
  if (a === b || b === 'IS') return a;
  if (a === 'IS') return b;
  const withWhole = a === 'exclusive' || b === 'exclusive' || a === 'counted' || b === 'counted';
  return withWhole ? 'exclusive' : 'SIX';
}
