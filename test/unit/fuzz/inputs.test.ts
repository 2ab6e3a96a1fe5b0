import { expect } from 'chai';

import { Guard } from '../../fuzz/inputs/guard.js';
import { casesOf, STAGES } from '../../fuzz/inputs/stages.js';

/** Of all stages together; `npm run test:fuzz -- inputs` takes 100,000. */
const CASES = 2_000;
const seed = Number(process.env.INTERLOCK_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

describe(`Input that nobody has thought of (INTERLOCK_TEST_SEED=${seed})`, function () {
  this.timeout(300_000);
  const stages = new URL('../../fuzz/inputs/stages.js', import.meta.url);
  const guard = new Guard({ stages, silentMs: 60_000, memoryMiB: 1_536 });
  after(() => guard.close());

  for (const stage of STAGES) {
    it(`is answered as bad input is: ${stage.name}`, async () => {
      const { cases, outcomes, failure } = await guard.run(stage.name, { cases: casesOf(stage, CASES), seed });
      expect(failure ?? '').to.equal(''); // two texts: mocha shows all of both
      // Neither all good nor all bad: else it would look at nothing.
      expect(Object.keys(outcomes).length).to.be.above(1);
      expect(cases).to.be.at.least(100);
    });
  }
});
