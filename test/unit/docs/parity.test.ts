import { expect } from 'chai';

import { faultOf, faultsOf, rowsOf } from './quoted-tests.js';

const ROWS = 91;

/** Number, what was described, what became of it, its tests. */
const rows = rowsOf('docs/parity.md', /^\d+$/);

describe('docs/parity.md', () => {
  it(`has a row for each of ${ROWS} behaviours, once and in order`, () => {
    expect(rows.map(([number]) => Number(number))).to.deep.equal(Array.from({ length: ROWS }, (_, index) => index + 1));
    for (const [number, described = ''] of rows) expect(described, number).to.have.length.above(5);
  });

  it('names for each a test that exists under that title, or says why there is none', () => {
    const faults = rows.flatMap(faultsOf);
    expect(faults, `\n${faults.join('\n')}\n`).to.deep.equal([]);
  });

  it('would say so if a test were renamed or gone', () => {
    expect(faultOf('unit/docs/parity', 'would say so if a test were renamed or gone')).to.equal(undefined);
    expect(faultOf('unit/docs/parity', 'had another title')).to.include('has no test "had another title"');
    expect(faultOf('contract/api/bad-bodies', 'refuses ${what}', ['an empty body', 'a body of lead'])).to.include(
      'has no case "a body of lead"',
    );
    expect(faultOf('unit/docs/nowhere', 'x')).to.include('there is no test/unit/docs/nowhere');
  });
});
