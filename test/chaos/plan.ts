import { seeded } from '../support/random.js';
import { withCalls } from './plan-calls.js';
import { planFaults, type Fault } from './plan-faults.js';
import { planLoad, type Wish } from './plan-load.js';
import { planWorkflows, type WorkflowWish } from './plan-workflows.js';

/** What will be done, to the millisecond; pure, so that the same seed and length give the same plan. */
export interface Plan {
  seed: number;
  minutes: number;
  faults: Fault[];
  load: (Wish | WorkflowWish)[];
}

/** Of five minutes. */
const WORKFLOWS = 10;

/** Faults and load are drawn apart: a change of one leaves the other of a seed as it was. */
export function plan(seed: number, minutes: number, workflows = Math.ceil((WORKFLOWS * minutes) / 5)): Plan {
  const lengthMs = minutes * 60_000;
  const load = [
    ...withCalls(planLoad(seeded(seed ^ 0x5bd1e995), lengthMs), seeded(seed ^ 0x2545f491)),
    ...planWorkflows(seeded(seed ^ 0x1b873593), lengthMs, workflows),
  ].toSorted((a, b) => a.at - b.at);
  return { seed, minutes, faults: planFaults(seeded(seed), lengthMs), load };
}
