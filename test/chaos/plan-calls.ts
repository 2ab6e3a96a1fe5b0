import type { SeededRandom } from '../support/random.js';
import { RESOURCES } from './cast.js';
import type { CallWish, TaskWish, Wish } from './plan-load.js';

const PART = 0.08;
const DEEPEST = 2;

/** Some tasks call others: one after the other, up to three deep. */
export function withCalls(load: readonly Wish[], random: SeededRandom): Wish[] {
  return load.map(wish =>
    wish.kind === 'submit' && wish.task.manner === 'gentle' && random.below(10_000) < PART * 10_000
      ? { ...wish, task: { ...wish.task, calls: callsOf(wish.task, random, 0) } }
      : wish,
  );
}

function callsOf({ exclusive }: Pick<TaskWish, 'exclusive'>, random: SeededRandom, depth: number): CallWish[] {
  return Array.from({ length: 1 + random.below(2) }, (): CallWish => {
    const under = exclusive.length > 0 && random.below(3) > 0;
    const wanted = under ? random.sample(exclusive, 1) : random.below(2) > 0 ? random.sample(RESOURCES, 1) : [];
    const deeper = depth < DEEPEST && random.below(3) === 0;
    return {
      ms: random.below(1_500),
      exclusive: wanted,
      under,
      calls: deeper ? callsOf({ exclusive: wanted }, random, depth + 1) : [],
    };
  });
}
