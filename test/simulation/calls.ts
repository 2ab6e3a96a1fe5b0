import type { Chance } from './chance.js';

/** A child whose parent waits for it. Times in simulated milliseconds. */
export interface CallPlan {
  exclusive: string[];
  ms: number;
  ends: 'completes' | 'fails' | 'dies';
  requeue: boolean;
  /** Its parent goes on although it has failed. */
  tolerated: boolean;
  /** Under its parent's reservation. */
  under: boolean;
  calls?: CallsPlan;
}

/** What a body spawns and waits for when its time is over: one after the other, or together. */
export interface CallsPlan {
  children: CallPlan[];
  together: boolean;
}

const DEEPEST = 3;

/** Half of those that call reserve what they like: some of them what a parent holds, which can never end well. */
export function drawCalls(chance: Chance, resources: readonly string[], depth: number): { calls?: CallsPlan } {
  if (depth === DEEPEST || !chance.happens(0.5)) return {};
  const children = Array.from({ length: 1 + chance.below(3) }, (_, index): CallPlan => ({
    exclusive: chance.happens(0.5) ? chance.sample(resources, 1 + chance.below(2)) : [],
    ms: chance.pick([0, chance.about(300), chance.about(3_000)]),
    ends: chance.pick(['completes', 'completes', 'completes', 'fails', 'dies'] as const),
    requeue: chance.happens(0.5),
    tolerated: chance.happens(0.5),
    under: chance.of(`under ${index}`).happens(0.5),
    ...drawCalls(chance.of(`child ${index}`), resources, depth + 1),
  }));
  return { calls: { children, together: chance.happens(0.5) } };
}
