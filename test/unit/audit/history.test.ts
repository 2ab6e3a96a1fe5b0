import { expect } from 'chai';
import fc from 'fast-check';

import { checkHistory } from '../../../src/audit/history.js';
import { corruptions, names } from './corruptions.js';
import { Model } from './model.js';

describe('The history checker', function () {
  this.timeout(60_000);

  it('finds nothing in a history in which everything went as it should', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 600 }), (seed, steps) => {
        expect(checkHistory(new Model(seed).run(steps))).to.deep.equal([]);
      }),
      { numRuns: 50 },
    );
  });

  it('finds nothing in a history that was cut off at any moment', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 600 }), (seed, steps) => {
        const history = { ...new Model(seed).cutOff(steps), drained: false };
        expect(checkHistory(history)).to.deep.equal([]);
      }),
      { numRuns: 30 },
    );
  });

  for (const { name, rule, plant } of corruptions()) {
    it(`finds ${name}`, () => {
      let planted = 0;
      fc.assert(
        fc.property(fc.nat(), seed => {
          const history = new Model(seed).run(300);
          const id = plant(history);
          fc.pre(id !== undefined); // another history is drawn instead
          planted++;
          const found = checkHistory(history);
          expect(
            found.some(finding => names(finding, rule, id)),
            JSON.stringify({ id, found }, undefined, 1),
          ).to.equal(true);
        }),
        { numRuns: 10 },
      );
      expect(planted, 'histories in which it could be planted').to.be.greaterThan(5);
    });
  }

  it('tells the same of the same history in any order of its records', () => {
    const history = new Model(7).run(400);
    for (const { plant } of corruptions()) plant(history);
    const found = checkHistory(history);
    expect(found.length).to.be.greaterThan(corruptions().length / 2);
    expect(checkHistory({ ...history, bodies: history.bodies!.toReversed() })).to.deep.equal(found);
    expect(checkHistory(history)).to.deep.equal(found);
  });
});
