import { seeded } from '../support/random.js';

/** Which resources each of `tasks` tasks reserves: `each` different ones of `resources`. The same for the same seed. */
export function draw(seed: number, tasks: number, resources = 128, each = 2): string[][] {
  const random = seeded(seed);
  const all = Array.from({ length: resources }, (_, index) => `resource-${index}`);
  return Array.from({ length: tasks }, () => random.sample(all, each));
}
