import { expect } from 'chai';

import { STAGES } from '../../fuzz/inputs/stages.js';

/** Of all stages together; `npm run test:fuzz -- inputs` takes 100,000. */
const CASES = 2_000;
const seed = Number(process.env.INTERLOCK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

describe(`Input that nobody has thought of (INTERLOCK_TEST_SEED=${seed})`, function () {
  this.timeout(120_000);

  for (const { name, run } of STAGES) {
    it(`is answered as bad input is: ${name}`, async () => {
      const { cases, outcomes, failure } = await run({ cases: CASES, seed });
      expect(failure).to.equal(undefined);
      // Neither all good nor all bad: else it would look at nothing.
      expect(Object.keys(outcomes).length).to.be.above(1);
      expect(cases).to.be.at.least(100);
    });
  }
});
