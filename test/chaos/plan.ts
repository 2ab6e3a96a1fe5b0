import { seeded } from '../support/random.js';
import { planFaults, type Fault } from './plan-faults.js';
import { planLoad, type Wish } from './plan-load.js';

/** What will be done, to the millisecond; pure, so that the same seed and length give the same plan. */
export interface Plan {
  seed: number;
  minutes: number;
  faults: Fault[];
  load: Wish[];
}

/** Faults and load are drawn apart: a change of one leaves the other of a seed as it was. */
export function plan(seed: number, minutes: number): Plan {
  const lengthMs = minutes * 60_000;
  return { seed, minutes, faults: planFaults(seeded(seed), lengthMs), load: planLoad(seeded(seed ^ 0x5bd1e995), lengthMs) };
}
