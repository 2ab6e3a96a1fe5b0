import type { Chance } from './chance.js';

/** What a task counts. */
export interface Counting {
  /** Units of `gpu`. */
  gpus?: number;
  limit?: { key: string; max: number };
}

interface Named {
  label: string;
  exclusive: string[];
  shared: string[];
}

/** What some of the tasks reserve beyond plain names; absent: nothing. */
export interface LinesPlan {
  /** Units of `gpu` at first and, after a while, for good. */
  gpus: { first: number; laterMs: number; later: number };
}

/** Nobody asks for more, so that everybody's turn comes in the end. */
const MOST = 3;

export function drawLines(chance: Chance, calmFromMs: number): LinesPlan {
  const later = chance.pick([MOST, MOST, MOST + 1]);
  const first = chance.pick([later, later, 1, 2, MOST + 2]);
  return { gpus: { first, laterMs: first === later ? 0 : chance.between(0, calmFromMs), later } };
}

/** Some names become a tree's, of which some tasks want a part or all; some tasks count units, or towards a limit. */
export function withLines<T extends Named & Counting>(plans: readonly T[], chance: Chance): T[] {
  const [tree, counting, limited] = [chance.happens(0.35), chance.happens(0.35), chance.happens(0.3)];
  const max = 1 + chance.below(3);
  return plans.map((plan): T => {
    const own = chance.of(plan.label);
    return {
      ...plan,
      ...(tree && inTree(plan, own)),
      ...(counting && own.happens(0.4) && { gpus: 1 + own.below(MOST) }),
      ...(limited && own.happens(0.5) && { limit: { key: 'k', max } }),
    };
  });
}

function inTree({ exclusive, shared }: Named, chance: Chance): Pick<Named, 'exclusive' | 'shared'> {
  const placed = (name: string): string => chance.pick([`t/${name}`, `t/${name}`, `t/${name}/x`, `t/${name}/y`, `t/${name}/**`]);
  const wish = { exclusive: exclusive.map(placed), shared: shared.map(placed) };
  if (chance.happens(0.15)) wish[chance.pick(['exclusive', 'shared'] as const)].push(chance.pick(['t/**', 't/**', 't']));
  return wish;
}
