import { expect } from 'chai';

import { plan } from '../../chaos/plan.js';
import { laneOf } from '../../chaos/plan-faults.js';

describe('the plan of a chaos run', () => {
  it('is the same for the same seed and length, and another one for another seed', () => {
    expect(plan(7, 5)).to.deep.equal(plan(7, 5));
    expect(plan(8, 5).faults).not.to.deep.equal(plan(7, 5).faults);
    expect(plan(8, 5).load).not.to.deep.equal(plan(7, 5).load);
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    it(`asks for enough in five minutes (seed ${seed})`, () => {
      const { faults, load } = plan(seed, 5);
      const tasks = load.flatMap(wish => (wish.kind === 'submit' ? [wish.task] : wish.kind === 'batch' ? wish.tasks : []));
      expect(faults.length).to.be.at.least(60);
      expect(new Set(faults.map(fault => fault.kind)).size).to.be.at.least(30);
      expect(tasks.length).to.be.at.least(1_600);
      expect(new Set(tasks.map(task => task.label)).size).to.equal(tasks.length);
    });

    it(`has nothing under two faults at a time, and all of them over by the end (seed ${seed})`, () => {
      const lanes = new Map<string, number>();
      for (const { at, forMs, target } of plan(seed, 5).faults) {
        expect(at, target).to.be.at.least(lanes.get(laneOf(target)) ?? 0);
        lanes.set(laneOf(target), at + forMs);
        expect(at + forMs).to.be.at.most(300_000);
      }
    });
  }
});
