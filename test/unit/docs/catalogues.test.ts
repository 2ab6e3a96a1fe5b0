import { expect } from 'chai';

import { faultsOf, rowsOf } from './quoted-tests.js';

/** Pages of tables whose rows are numbered through; the last cell of a row names its tests, or says why there is none. */
const CATALOGUES = [
  { page: 'docs/bad-input.md', letter: 'B', last: 83 },
  { page: 'docs/faults.md', letter: 'F', last: 87 },
];

const numbered = (letter: string, index: number): string => `${letter}${String(index + 1).padStart(2, '0')}`;

for (const { page, letter, last } of CATALOGUES) {
  describe(page, () => {
    const rows = rowsOf(page, new RegExp(String.raw`^${letter}\d+`));

    const all = Array.from({ length: last }, (_, index) => numbered(letter, index));
    const numbers = rows.map(([number]) => number);

    it(`has a row for each of ${letter}01 to ${letter}${last}, once`, () => {
      expect([...numbers].sort()).to.deep.equal(all);
    });

    it('says in each what came and what becomes of it', () => {
      for (const [number, came = '', answer = ''] of rows) {
        expect(came, number).to.have.length.above(5);
        expect(answer, number).to.have.length.above(5);
      }
    });

    it('names for each a test that exists under that title, or says why there is none', () => {
      const faults = rows.flatMap(faultsOf);
      expect(faults, `\n${faults.join('\n')}\n`).to.deep.equal([]);
    });
  });
}
